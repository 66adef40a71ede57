# SPDX-License-Identifier: MIT
"""Reads a trace of Chrome's format, as strictly as a viewer could."""

import json

PHASES = {"B", "E", "i", "M"}


def load(text):
    trace = json.loads(text)
    for event in trace["traceEvents"]:
        assert event["ph"] in PHASES, event
        assert isinstance(event["name"], str) and event["name"], event
        assert isinstance(event["pid"], int), event
        assert isinstance(event["tid"], int), event
        if event["ph"] == "M":
            assert isinstance(event["args"]["name"], str), event
        else:
            assert event["ts"] >= 0, event
        if event["ph"] == "i":
            assert event["s"] == "t", event
    for sample in trace["samples"]:
        assert sample["sf"] in trace["stackFrames"], sample
        assert sample["ts"] >= 0 and sample["weight"] >= 0, sample
    return trace


def spans(trace):
    """(name, thread, from, to): each B has the E that closes it."""
    found, threads = [], {}
    for event in trace["traceEvents"]:
        if event["ph"] == "M":
            continue
        key = event["pid"], event["tid"]
        last, open_ = threads.setdefault(key, [0, []])
        assert event["ts"] >= last, (event, last)
        threads[key][0] = event["ts"]
        if event["ph"] == "B":
            open_.append(event)
        elif event["ph"] == "E":
            begin = open_.pop()
            assert begin["name"] == event["name"], (begin, event)
            found.append((begin["name"], event["tid"], begin["ts"],
                          event["ts"]))
    assert not any(open_ for _, open_ in threads.values())
    return found


def instants(trace):
    return [e for e in trace["traceEvents"] if e["ph"] == "i"]


def stack(trace, frame):
    """The names from the root on."""
    names = []
    while frame is not None:
        names.append(trace["stackFrames"][frame]["name"])
        frame = trace["stackFrames"][frame].get("parent")
    return names[::-1]
