#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A file is the same whichever machine wrote it, and whichever reads it.

    exchange.py HERE THERE HELLO TOYVM [WRAPPER ...]

HERE and THERE are tests/ports/portable.c for this machine and for another one;
HELLO, a program of that one, leaves hello.vmprof, and TOYVM is its toy VM;
WRAPPER runs programs of that machine here. With VMPROF_COMMAND set, the command
of this machine reads the recordings, too, else the test says that it does not.
"""

import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAMS = (pathlib.Path(__file__).resolve().parents[2]
            / "examples" / "toyvm" / "programs")
SESSION, CODES, FRAMES, NODES, THREAD, SAMPLES, STATS, END = range(1, 9)
(MODULES, WORDS, SITES, TRACES, EVENTS, COUNTS, RECORDED, EVENT_COUNTS, LINES,
 CALLS) = range(10, 20)
OF_ANY = {SESSION, CODES, FRAMES, NODES, THREAD, SAMPLES, STATS, END}
OF_LANGUAGE = {WORDS, SITES, RECORDED, EVENT_COUNTS, LINES, CALLS}
OF_JIT = {TRACES, EVENTS, COUNTS}
THREADED = "-X", "jit=threaded"  # which there is for any machine
TYPES = "-X", "jit-profile-interp", "-X", "jit-profile-interp-period=7"
TIME_UNIT = 4  # of the session's fields


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True,
                          timeout=600, **options).stdout


def check(holds, claim):
    print(("ok - " if holds else "not ok - ") + claim)
    return holds


def rows_of(said):
    """What portable says, by its first word: lists of the words behind it."""
    rows = collections.defaultdict(list)
    for line in said.decode("latin-1").split("\n"):
        title, *words = line.split(" ")
        rows[title].append(words)
    return rows


def types_of(rows):
    """The types of chunks that there are."""
    return {int(kind) for kind, count in rows["payloads"] if int(count)}


def field(words, key):
    return next((int(word.split("=")[1]) for word in words
                 if word.startswith(f"{key}=")), 0)


def gathered(rows, kind):
    """Rows of a layer, in numbers: code, other key, values."""
    return [list(map(int, row[2:])) for row in rows["row"]
            if int(row[0]) == kind]


def expected(rows):
    """What the command should say of these rows."""
    unit = field(rows["session"][0], TIME_UNIT)
    hits = sum(int(row[11]) + int(row[12]) for row in rows["site"])
    lines = {(row[0], row[1]) for row in gathered(rows, LINES)}
    return {
        "samples": len(rows["sample"]),
        "sampled_ns": sum(int(row[3]) for row in rows["sample"]) * unit,
        "rows of types": len(rows["site"]),
        "hits": hits + sum(int(row[0]) for row in rows["hits"]),
        "traces": len(rows["trace"]),
        "edges": len(rows["edge"]),
        "guards": len(rows["guard"]),
        "events": len(rows["event"]),
        "event counts": sum(row[2] for row in gathered(rows, EVENT_COUNTS)),
        "lines": len(lines),
        "calls": sum(row[2] for row in gathered(rows, CALLS)),
    }


def said_by(command, file):
    """What it does say."""

    def ask(*arguments):
        return json.loads(run(command, *arguments, "--json", file))

    info, whole = ask("info"), ask("report")
    report = whole["summary"]
    has = {name: info["counts"].get(name, 0)
           for name in ("type_rows", "traces")}
    traces = ask("jit") if has["traces"] else {}
    recorded = info.get("recorded_events", {}).get("recorded", 0)
    layers = [ask("events", option) if recorded else {}
              for option in ("--counters", "--coverage", "--callgraph")]
    return {
        # With entries of time in the kernel, which the summary does not count.
        "samples": sum(node["samples"] for node in whole["tree"]),
        "sampled_ns": report["sampled_ns"],
        "rows of types": has["type_rows"],
        "hits": ask("types")["summary"]["hits"] if has["type_rows"] else 0,
        "traces": has["traces"],
        "edges": traces.get("events", {}).get("events", 0),
        "guards": sum(trace["guards"] for trace in traces.get("traces", [])),
        "events": recorded,
        "event counts": sum(row["count"]
                            for row in layers[0].get("counts", [])),
        "lines": sum(len(row["run"]) + len(row["not_run"])
                     for row in layers[1].get("files", [])),
        "calls": sum(row["calls"] for row in layers[2].get("calls", [])),
        "damage": sum(value for value in info["damage"].values()
                      if isinstance(value, int)),
    }


def record(wrapper, directory, hello, toyvm):
    """Recordings of programs of the other machine: title, file, what to have."""

    def toy(name, settings, *options):
        file = f"{name}.vmprof"
        environment = {"VMPROF_RECORD": f"{settings};file={file}"}
        run(*wrapper, os.path.abspath(toyvm), *options, cwd=directory,
            env={**os.environ, **environment})
        return os.path.join(directory, file)

    run(*wrapper, os.path.abspath(hello), cwd=directory)
    yield ("a recording", os.path.join(directory, "hello.vmprof"), OF_ANY)
    yield ("a recording of a language",
           toy("language",
               "events=all;tool=coverage,callgraph,counters", *TYPES,
               PROGRAMS / "jit_types.toy", "100"), OF_ANY | OF_LANGUAGE)
    yield ("a recording of a JIT",
           toy("jit", "jit=event;interval=0.0001", *THREADED,
               PROGRAMS / "jit_bridges.toy", "4000", "1000"),
           OF_ANY | OF_JIT)


def main():
    here, there, hello, toyvm, *wrapper = sys.argv[1:]
    there = wrapper + [there]
    command = os.environ.get("VMPROF_COMMAND")
    passed = []
    with tempfile.TemporaryDirectory() as directory:
        ours, theirs = (str(pathlib.Path(directory) / name)
                        for name in ("ours", "theirs"))
        run(here, "write", ours)
        run(*there, "write", theirs)
        passed.append(check(pathlib.Path(ours).read_bytes()
                            == pathlib.Path(theirs).read_bytes(),
                            "both machines write the same bytes"))
        all_types = OF_ANY | OF_LANGUAGE | OF_JIT | {MODULES}
        for title, file, types in [
                ("all that there is", ours, all_types),
                *record(wrapper, directory, hello, toyvm)]:
            said = run(here, "read", file)
            rows = rows_of(said)
            passed += [
                check(types <= types_of(rows),
                      f"{title} has the chunks that it should have"),
                check(said == run(*there, "read", file),
                      f"both machines read {title} alike")]
            if command and file != ours:
                wanted = {**expected(rows), "damage": 0}
                got = said_by(command, file)
                if got != wanted:
                    print(f"# the command: {got}\n# not:         {wanted}")
                passed.append(check(got == wanted,
                                    f"the command reads {title} alike"))
    if not command:
        print("# skip: no VMPROF_COMMAND is given to read the recordings")
    return not all(passed)


sys.exit(main())
