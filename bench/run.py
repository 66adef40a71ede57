#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""run.py BUILD [--list | --long | --json | NAME ...]: run the benchmarks one
after the other, then print all their figures as one table."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

OPTIONS = ("--list", "--long", "--json")


def benchmarks(build):
    listed = subprocess.run(
        ["meson", "introspect", "--benchmarks", build], check=True,
        capture_output=True, text=True).stdout
    return {entry["name"]: entry for entry in json.loads(listed)}


def run(name, entry, build, environment, out):
    """The exit status and the rows of one benchmark."""
    with tempfile.NamedTemporaryFile("r", prefix="vmprof-bench-") as rows:
        print(f"\n== {name}", file=out, flush=True)
        status = subprocess.run(
            entry["cmd"],
            env={**environment, **entry["env"],
                 "VMPROF_BENCH_ROWS": rows.name},
            cwd=entry["workdir"] or build, stdout=out).returncode
        return status, [{**json.loads(line), "by": name}
                        for line in rows.read().splitlines()]


def verdict(row):
    return {True: "yes", False: "no", None: ""}[row["met"]]


def print_table(rows):
    """Markdown, for a page that wants to quote it."""
    print("\n| what | measured | spread | budget | met | over | by |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        print("| " + " | ".join((
            row["what"], row["measured"], row["spread"], row["budget"] or "",
            verdict(row), row["baseline"],
            f"`script/bench {row['by']}`")) + " |")


def parse(words, known):
    """(options, names), or None after a message."""
    options = {word for word in words if word.startswith("-")}
    names = [word for word in words if not word.startswith("-")]
    wrong = sorted(options.difference(OPTIONS))
    if wrong:
        print(f"script/bench: no such option: {', '.join(wrong)}; there are: "
              f"{', '.join(OPTIONS)}", file=sys.stderr)
        return None
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"script/bench: no such benchmark: {', '.join(unknown)}; "
              f"there are: {', '.join(known)}", file=sys.stderr)
        return None
    return options, names or list(known)


def main():
    build = pathlib.Path(sys.argv[1])
    known = benchmarks(build)
    parsed = parse(sys.argv[2:], known)
    if not parsed:
        return 2
    options, names = parsed
    if "--list" in options:
        print("\n".join(known))
        return 0
    environment = {**os.environ,
                   "VMPROF_BENCH_LONG": "1" if "--long" in options else ""}
    failed, rows = False, []
    for name in names:
        # With --json, stdout holds that alone.
        out = sys.stderr if "--json" in options else sys.stdout
        status, found = run(name, known[name], build, environment, out)
        rows += found
        if status:
            print(f"{name}: exit status {status}", file=sys.stderr)
            failed = True
    if "--json" in options:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        print_table(rows)
    return failed


sys.exit(main())
