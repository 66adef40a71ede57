#!/usr/bin/env python3
"""Check how much stack the handler takes, on the longest way through it.

gcc says what each function takes and whom it calls; the objects of a directory
for signal context, such as lib/record/signal/, are compiled once more for that,
in the way of the build.
What they call in libc is one system call each, or reads a clock: those get an
allowance. The VM's own functions, called through pointers, are not ours, and the
end of a process whose stack is overwritten takes what it likes.
"""

import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

NODE = re.compile(r'node: \{ title: "([^"]+)" label: "([^"]*)"')
EDGE = re.compile(r'edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"')
USE = re.compile(r"\\n(\d+) bytes \(([^)]*)\)")
SKIPPED = 77
IN_LIBC = 200


def graph_of(entry, directory):
    """The text of what gcc says of one file, or None if it cannot."""
    target = pathlib.Path(directory) / (pathlib.Path(entry["file"]).stem + ".o")
    words = shlex.split(entry["command"])
    words[words.index("-o") + 1] = str(target)
    # A cache of objects has no graph of those that it knows.
    done = subprocess.run(words + ["-fcallgraph-info=su"],
                          cwd=entry["directory"], capture_output=True,
                          text=True,
                          env={**os.environ, "CCACHE_DISABLE": "1"})
    graph = target.with_suffix(".ci")
    if done.returncode or not graph.exists():
        return None
    return graph.read_text()


def read(text, uses, calls):
    for title, label in NODE.findall(text):
        use = USE.search(label)
        if use and "dynamic" in use.group(2) and "bounded" not in use.group(2):
            raise SystemExit(f"{title}: takes as much stack as it is told to")
        if use:
            uses[title] = int(use.group(1))
    for caller, called in EDGE.findall(text):
        calls.setdefault(caller, set()).add(called)


def longest(name, uses, calls, way=()):
    """(bytes, names) of the longest way from a function on."""
    if name in way:
        raise SystemExit(f"{name} calls itself: {' -> '.join(way)}")
    if name in ("__indirect_call", "__stack_chk_fail"):
        return 0, []
    if name not in uses:
        return IN_LIBC, [(name, IN_LIBC)]
    below, names = max((longest(called, uses, calls, way + (name,))
                        for called in calls.get(name, ())), default=(0, []))
    return uses[name] + below, [(name, uses[name])] + names


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=int, required=True)
    parser.add_argument("--entry", required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("build", type=pathlib.Path)
    args = parser.parse_args()

    commands = json.loads((args.build / "compile_commands.json").read_text())
    own = {entry["file"]: entry for entry in commands
           if f"{args.directory}/" in entry["file"]}
    uses, calls = {}, {}
    with tempfile.TemporaryDirectory() as directory:
        for entry in own.values():
            text = graph_of(entry, directory)
            if text is None:
                print("this compiler does not say what its code takes")
                return SKIPPED
            read(text, uses, calls)
    if args.entry not in uses:
        print(f"there is no {args.entry} in {len(own)} files")
        return 1
    size, names = longest(args.entry, uses, calls)
    for name, use in names:
        print(f"{use:6} {name}")
    print(f"{size:6} in all; {args.most} are allowed")
    return size > args.most


sys.exit(main())
