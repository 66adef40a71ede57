#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A file is the same whichever machine wrote it, and whichever reads it.

    exchange.py HERE THERE RECORDER [WRAPPER ...]

HERE and THERE are tests/ports/portable.c for this machine and for another one,
RECORDER a program of that one which leaves hello.vmprof; WRAPPER runs programs
of that machine here. With VMPROF_COMMAND set, the command of this machine reads
the recording, too.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True,
                          timeout=600, **options).stdout


def check(holds, claim):
    print(("ok - " if holds else "not ok - ") + claim)
    return holds


def sums(text):
    """Samples and their weight in nanoseconds, from portable's words."""
    lines = [line.split() for line in text.decode().splitlines()]
    unit = int(next(field[2:] for line in lines if line[0] == "session"
                    for field in line if field.startswith("4=")))
    weights = [int(line[4]) for line in lines if line[0] == "sample"]
    return len(weights), sum(weights) * unit


def command_agrees(command, file, text):
    summary = json.loads(run(command, "report", "--json", file))["summary"]
    count, weight = sums(text)
    return (summary["samples"] == count
            and summary["sampled_ns"] == weight)


def main():
    here, there, recorder, *wrapper = sys.argv[1:]
    there = wrapper + [there]
    with tempfile.TemporaryDirectory() as directory:
        ours, theirs, recorded = (
            str(pathlib.Path(directory) / name)
            for name in ("ours", "theirs", "hello.vmprof"))
        run(here, "write", ours)
        run(*there, "write", theirs)
        run(*wrapper, os.path.abspath(recorder), cwd=directory)
        passed = [check(pathlib.Path(ours).read_bytes()
                        == pathlib.Path(theirs).read_bytes(),
                        "both machines write the same bytes")]
        for file, name in ((ours, "ours"), (recorded, "a recording")):
            passed.append(check(
                run(here, "read", file) == run(*there, "read", file),
                f"both machines read {name} alike"))
        text = run(here, "read", recorded)
        passed.append(check(sums(text)[0] > 0, "the recording has samples"))
        command = os.environ.get("VMPROF_COMMAND")
        if command:
            passed.append(check(command_agrees(command, recorded, text),
                                "the command reads the recording alike"))
    return not all(passed)


sys.exit(main())
