#!/usr/bin/env python3
"""run.py BUILD [--list | NAME ...]: run the benchmarks one after the other."""

import json
import os
import pathlib
import subprocess
import sys


def benchmarks(build):
    listed = subprocess.run(
        ["meson", "introspect", "--benchmarks", build], check=True,
        capture_output=True, text=True).stdout
    return {entry["name"]: entry for entry in json.loads(listed)}


def main():
    build, wanted = sys.argv[1], sys.argv[2:]
    known = benchmarks(build)
    if wanted == ["--list"]:
        print("\n".join(known))
        return 0
    unknown = [name for name in wanted if name not in known]
    if unknown:
        print(f"script/bench: no such benchmark: {', '.join(unknown)}; "
              f"there are: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = False
    for name in wanted or known:
        entry = known[name]
        command = entry["cmd"]
        print(f"\n== {name}", flush=True)
        status = subprocess.run(
            command, env={**os.environ, **entry["env"]},
            cwd=entry["workdir"] or pathlib.Path(build)).returncode
        if status:
            print(f"{name}: exit status {status}", file=sys.stderr)
            failed = True
    return failed


sys.exit(main())
