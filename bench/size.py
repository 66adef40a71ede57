#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""size.py TOYVM VMPROF PROGRAMS: bytes per sample on disk, everything included,
of workloads that repeat themselves with stacks about 12 and 50 deep."""

import json
import pathlib
import subprocess
import sys
import tempfile

import figures

BUDGET = {12: 5, 50: 10}
SECONDS = 12


def measure(toyvm, vmprof, programs, depth, interval):
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "profile"
        subprocess.run(
            [toyvm, "--profile", file, "--interval", str(interval),
             programs / f"depth{depth}.toy", str(SECONDS)],
            check=True, stderr=subprocess.DEVNULL)
        info = json.loads(subprocess.run(
            [vmprof, "info", "--json", file], check=True,
            capture_output=True, text=True).stdout)
    return info["counts"]["bytes_per_sample"], info["counts"]["samples"]


def main():
    toyvm, vmprof, programs = sys.argv[1:3] + [pathlib.Path(sys.argv[3])]
    print("depth   rate       samples   bytes a sample   budget")
    for depth in (12, 50):
        for interval in (0.001, 0.0001):
            size, samples = measure(toyvm, vmprof, programs, depth, interval)
            print(f"{depth:5}  {1 / interval:6,.0f} Hz  {samples:8,}  "
                  f"{size:15.2f}  {BUDGET[depth]:7}")
            figures.row(f"bytes a sample, depth {depth}, "
                        f"{1 / interval:,.0f} Hz", f"{size:.2f}",
                        str(BUDGET[depth]), met=size <= BUDGET[depth])


main()
