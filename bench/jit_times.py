#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""jit_times.py TOYVM VMPROF PROGRAMS: the time of four compiled loops as `vmprof
jit` adds it up from events, against the CPU time that the toy VM measured at the
same edges. Where other programs had the CPU is an estimate, so what they had is
shown, too."""

import json
import pathlib
import subprocess
import sys
import tempfile

import figures

TOYVM, VMPROF = sys.argv[1:3]
PROGRAM = pathlib.Path(sys.argv[3]) / "jit_shares.toy"
ROUNDS, SECONDS = (15, 4) if figures.LONG else (7, 2)
BUDGET = 1.0   # percent
LEAST = 0.03   # of the time: a loop, and not the way into one
CALM = 0.01    # of the time, that others had


def run(*command):
    return subprocess.run(list(map(str, command)), check=True,
                          capture_output=True, text=True).stdout


def measure():
    """The largest error of a loop's time in percent, and the time that was not
    this program's against the rest."""
    with tempfile.TemporaryDirectory() as directory:
        truth, profile = (pathlib.Path(directory) / name
                          for name in ("truth", "profile"))
        run(TOYVM, "-X", "jit=on", "-X", "jit-emits=current,event",
            "-X", "jit-inner=each", "--profile", profile, "--jit-truth", truth,
            PROGRAM, SECONDS)
        true = json.loads(truth.read_text())["threads"][0]
        report = json.loads(run(VMPROF, "jit", "--json", "--inner=each",
                                "--calls=nest", profile))
    found = {trace["id"]: trace["figures"]["events"]["self"]
             for trace in report["traces"]}
    total = true["interpreter"] + sum(t["self"] for t in true["traces"])
    return max(100 * abs(found[t["id"]] / t["self"] - 1)
               for t in true["traces"] if t["self"] > LEAST * total), (
        report["events"]["off_cpu"] / report["events"]["time"])


def main():
    rounds = [measure() for _ in range(ROUNDS)]
    figures.table(["round", "farthest off", "time of others"],
                  [[str(i + 1), f"{error:.2f} %", f"{100 * others:.1f} %"]
                   for i, (error, others) in enumerate(rounds)])
    calm = [error for error, others in rounds if others < CALM]
    for what, errors in (("while it had a CPU", calm),
                         ("in all rounds", [error for error, _ in rounds])):
        if not errors:
            continue
        median, low, high = figures.middle(errors)
        figures.row(f"time of loops by events, {what}, the farthest off",
                    f"{median:.2f} %", f"{BUDGET:g} %" if errors is calm else
                    None, "the toy VM's own", f"{low:.2f} to {high:.2f} %",
                    max(calm) <= BUDGET if errors is calm else None)


main()
