#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""events.py BUILD PROGRAM: what events cost the toy VM that nobody wants, by
either way to have them, and what line coverage costs when each line has been
seen, against the same VM without events. Runs of all take turns, and medians of
the ratios within a round are shown; callgrind's instructions beside them, as how
code happens to lie in memory moves such a loop by several percent."""

import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import figures  # noqa: E402

BUILD, PROGRAM = map(pathlib.Path, sys.argv[1:3])
ROUNDS = 41 if figures.LONG else 15
COVERAGE = ["-X", "events=line", "-X", "events-once"]
COLLECTED = re.compile(r"Collected : (\d+)")
# By name: which VM, with what, and the budgets in percent of time and of
# instructions.
WAYS = {
    "in the bytecode, off": ("changed", [], 1, 0),
    "tested in the loop, off": ("tested", [], 1, None),
    "line coverage, each line seen": ("changed", COVERAGE, 2, None),
}


def command(vm, options, what, count):
    return [str(BUILD / f"toy_events_{vm}"), *options, str(PROGRAM), what,
            str(count)]


def seconds(vm, options, what):
    count = {"loops": 1000000, "calls": 24}[what]
    done = subprocess.run(command(vm, options, what, count), check=True,
                          capture_output=True, text=True)
    return float(done.stdout)


def instructions(vm, options, what):
    """Of the work alone: what twice as much takes more."""
    counts = []
    for count in {"loops": (20000, 40000), "calls": (14, 15)}[what]:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             *command(vm, options, what, count)],
            check=True, capture_output=True, text=True)
        counts.append(int(COLLECTED.search(done.stderr).group(1)))
    return counts[1] - counts[0]


def measure(what):
    slices = {name: [] for name in ("bare", *WAYS)}
    for _ in range(ROUNDS):
        for name, values in slices.items():
            values.append(seconds("bare", [], what) if name == "bare"
                          else seconds(*WAYS[name][:2], what))
    return slices


def main():
    lines = []
    for what in ("loops", "calls"):
        slices = measure(what)
        bare = (instructions("bare", [], what) if shutil.which("valgrind")
                else None)
        for name, (vm, options, budget, most) in WAYS.items():
            ratio, low, high = figures.middle(
                [a / b for a, b in zip(slices[name], slices["bare"])])
            more = 100 * (ratio - 1)
            spread = f"{100 * (low - 1):+.1f} to {100 * (high - 1):+.1f} %"
            met = more <= budget
            count = ""
            if bare:
                extra = 100 * (instructions(vm, options, what) / bare - 1)
                count = f"{extra:+.2f} %"
                met = met and (most is None or round(extra, 2) <= most)
            title = f"toy VM, {what}, events {name}"
            lines.append([title, f"{more:+.1f} %", spread, count,
                          f"{budget} %"])
            figures.row(title, f"{more:+.1f} %", f"{budget} %",
                        "without events", f"{spread}; instructions {count}",
                        met)
    figures.table(["what", "time", "quartiles", "instructions", "budget"],
                  lines)


main()
