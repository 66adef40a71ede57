# SPDX-License-Identifier: MIT
"""What the tests of layers share: profiles with known counts."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))

import vmprof_file  # noqa: E402
from command import SLOW, info, path, tap, text, vmprof, write  # noqa: E402,F401

MAIN, WORK, OTHER = 1, 2, 3
CODES = [(MAIN, "toy:main:1:a.toy"), (WORK, "toy:work:10:a.toy"),
         (OTHER, "toy:other:5:b.toy")]
CALL, RETURN, LINE = 0, 2, 16


def session(*puts, ident=0x1234):
    """A file whose session is what these functions put into it."""
    s = vmprof_file.Session(ident)
    s.codes(CODES)
    for put in puts:
        put(s)
    s.end(1000)
    return s.bytes()


def demo(ident=0x1234):
    return session(
        lambda s: s.event_counts([(MAIN, CALL, 1), (WORK, CALL, 40)]),
        lambda s: s.event_counts([(WORK, CALL, 2), (0, LINE, 7)], lost=7),
        lambda s: s.lines([(MAIN, 2, 1), (MAIN, 3, 0), (WORK, 11, 1),
                           (WORK, 12, 0), (OTHER, 6, 1)]),
        lambda s: s.lines([(WORK, 11, 1), (MAIN, 3, 0), (WORK, 13, 0)],
                          lost=2),
        lambda s: s.calls([(None, MAIN, 0, 0, 0, 900),
                           (0, MAIN, 1, 0, 100, 900),
                           (MAIN, WORK, 40, 3, 600, 700),
                           (WORK, WORK, 2, 0, 50, 50)]),
        lambda s: s.calls([(None, WORK, 0, 0, 0, 750),
                           (MAIN, WORK, 0, 0, 50, 50),
                           (WORK, OTHER, 5, 0, 100, 100)],
                          lost=3, unmatched=2, abandoned=1), ident=ident)


def events(data, *options):
    """events --json of a file with these bytes."""
    return json.loads(text("events", "--json", *options, write(data)))


def counts(data):
    return {(row.get("function"), row["kind"]): row["count"]
            for row in events(data, "--counters")["counts"]}


def coverage(data):
    return {file["file"]: (file["run"], file["not_run"])
            for file in events(data, "--coverage")["files"]}


def calls(data):
    """By callee and caller: calls and resumes."""
    return {(row["function"], edge.get("function")):
            (edge["calls"], edge["resumes"])
            for row in events(data, "--callgraph")["calls"]
            for edge in row["callers"]}
