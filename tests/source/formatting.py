#!/usr/bin/env python3
"""formatting.py CLANG-FORMAT ROOT: check that the source is formatted."""

import subprocess
import sys

import tree

files = [str(path) for path in tree.c_files(sys.argv[2])]
run = subprocess.run([sys.argv[1], "--dry-run", "--Werror", *files],
                     capture_output=True, text=True)
unformatted = sorted({line.split(":")[0] for line in run.stderr.splitlines()
                      if "error:" in line})
for path in unformatted:
    print(f"clang-format -i {path}")
if run.returncode and not unformatted:
    print(run.stderr)
sys.exit(run.returncode)
