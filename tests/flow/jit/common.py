# SPDX-License-Identifier: MIT
"""What the tests of traces in profiles share."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))

import vmprof_file as f  # noqa: E402
from command import SLOW, info, path, tap, text, vmprof, write  # noqa: E402,F401
from vmprof_file import (EDGE_CALL as CALL, EDGE_ENTER as ENTER,  # noqa: E402,F401
                         EDGE_EXIT as EXIT, EDGE_JUMP as JUMP,
                         EDGE_RETURN as RETURN)

# Ids of traces, and of the guards of the first two.
LOOP, BRIDGE, OTHER, WAY_IN = 1, 10, 40, 50
LOOP_GUARD, OTHER_GUARD = 2, 41
US = 1000


def session(**how):
    """Four traces: a loop with a guard that has a bridge back to it, another
    loop, and an entry bridge to the first."""
    s = f.Session(**how)
    s.codes([(1, "toy:main:1:demo.toy"), (2, "toy:work:10:demo.toy"),
             (3, "toy:leaf:20:lib.toy")])
    s.traces(
        f.trace(LOOP, name="loop", kind=f.LOOP, end=f.ENDS_LOOP, target=LOOP,
                code=2, line=11, emits=7, first_guard=LOOP_GUARD,
                guard_count=2),
        f.guards(LOOP, [(4, 0, BRIDGE, "x > 1"), (9, 0, 0, "i < n")]),
        f.trace(BRIDGE, name="bridge", kind=f.BRIDGE, end=f.ENDS_JUMP,
                guard=LOOP_GUARD, parent=LOOP, target=LOOP, code=2, line=12),
        f.trace(OTHER, name="other", kind=f.LOOP, end=f.ENDS_LOOP,
                target=OTHER, code=3, line=21, first_guard=OTHER_GUARD,
                guard_count=1),
        f.guards(OTHER, [(2, 0, 0, "ok")]),
        f.trace(WAY_IN, name="way in", kind=f.ENTRY_BRIDGE, end=f.ENDS_JUMP,
                target=LOOP, code=2, line=11))
    s.thread(0, "main", 100)
    return s


# In microseconds; one tick is one nanosecond.
STORY = [(100, ENTER, LOOP), (200, JUMP, BRIDGE), (240, JUMP, LOOP),
         (300, CALL, LOOP), (320, ENTER, OTHER), (420, EXIT, OTHER_GUARD),
         (450, RETURN, LOOP), (500, EXIT, LOOP_GUARD + 1),
         (600, ENTER, WAY_IN), (610, JUMP, LOOP), (1000, EXIT, LOOP)]


def ticks(events, scale=US):
    return [(time * scale, edge, ident) for time, edge, ident in events]


def story():
    s = session()
    s.events(0, ticks(STORY), [(0, 0, 0), (2000 * US, 2000 * US, 2000 * US)])
    s.end(2000)
    return s.bytes()


def jit(data, *options):
    """jit --json of a file with these bytes."""
    return json.loads(text("jit", "--json", *options, write(data)))


def by_name(result):
    return {trace["name"]: trace for trace in result["traces"]}


def events_of(result, unit=US):
    """(self, total, entries) by name, in microseconds."""
    return {name: (trace["figures"]["events"]["self"] / unit,
                   trace["figures"]["events"]["total"] / unit,
                   trace["figures"]["events"]["entries"])
            for name, trace in by_name(result).items()}


def transitions(result):
    names = {trace["number"]: trace["name"] for trace in result["traces"]}
    names[0] = "-"
    return {(names.get(row.get("from"), "?"), names[row["to"]]): row["count"]
            for row in result["transitions"]}
