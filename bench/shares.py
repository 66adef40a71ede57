#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""shares.py TOYVM VMPROF PROGRAMS [SECONDS]: shares of four functions as
`vmprof report` shows them, against those that the toy VM itself measured at the
boundaries of its functions, at 1,000 Hz on one thread and on four."""

import json
import pathlib
import subprocess
import sys
import tempfile

import figures

FUNCTIONS = ["half", "third", "seventh", "twentieth"]
BUDGET = 1.5


def measure(toyvm, vmprof, program, seconds, threads):
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "profile"
        truth = json.loads(subprocess.run(
            [toyvm, "--profile", file, "--truth", program, str(seconds),
             str(threads)],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True).stdout.splitlines()[-1])
        report = json.loads(subprocess.run(
            [vmprof, "report", "--json", file], check=True,
            capture_output=True, text=True).stdout)
    true = {f["function"]: 100 * f["share"] for f in truth["functions"]}
    found = {f["function"]: f["self_percent"] for f in report["functions"]}
    return report, [(name, true[name], found.get(name, 0))
                    for name in FUNCTIONS]


def main():
    toyvm, vmprof = sys.argv[1:3]
    program = pathlib.Path(sys.argv[3]) / "shares.toy"
    seconds = float(sys.argv[4]) if len(sys.argv) > 4 else 10
    for threads in (1, 4):
        report, rows = measure(toyvm, vmprof, program, seconds, threads)
        print(f"{threads} thread(s), {report['summary']['samples']:,} samples: "
              f"truth, found, difference in points (budget {BUDGET})")
        for name, true, found in rows:
            print(f"  {name:10} {true:6.2f} %  {found:6.2f} %  "
                  f"{found - true:+.2f}")
        worst = max(abs(found - true) for _, true, found in rows)
        figures.row(f"shares of four functions of the toy VM, {threads} "
                    "thread(s)", f"{worst:.2f} points", f"{BUDGET}",
                    "the program's own clock", met=worst <= BUDGET)
    return 0


sys.exit(main())
