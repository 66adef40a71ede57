#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""accuracy.py PROGRAM: programs whose truth is known, under each rung of the
library and under gperftools.

The program's threads read their own CPU clock whenever one of its functions
begins or ends; that is the truth about shares. Totals are compared with
getrusage() of each thread. Each mix runs on two threads, under the observer on
as many as leave a CPU to it: at 2,000 Hz for some 2,400 samples, with --long at
1,000 Hz for 10,000. A share may be off by 1.0 point at 10,000 samples, and by as
much more as fewer samples allow (the square root of their number). "noise" is the standard deviation of a share if samples
fell by chance alone."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import figures  # noqa: E402
import known  # noqa: E402

MIXES = ["steady", "bursty", "serving", "lockstep", "evading", "syscalls",
         "brief"]
ENGINES = ["perf", "monotonic", "cpu-timer", "observer", "polled",
           "gperftools"]
# What they show of a workload is what kernel ticks show.
BY_KERNEL_TICKS = ["cpu-timer", "gperftools"]
# It sleeps nine tenths of the time.
SLOW = {"serving": 0.3}
RATE, SECONDS = (1000, 10.0) if figures.LONG else (2000, 1.2)
HEAD = ["mix", "engine", "total", "in samples", "off by", "allowed", "noise",
        "samples", "rate"]


def measure(program, engine):
    """(mix, Run) for each mix."""
    threads = 2
    if engine == "observer":
        threads = min(2, max(1, len(os.sched_getaffinity(0)) - 1))
    for mix in MIXES:
        yield mix, known.run(program, mix, engine, threads,
                             SECONDS * SLOW.get(mix, 1), RATE)


def line(mix, engine, run):
    return [mix, engine, f"{run.total_error():+.2f} %",
            f"{run.delivered():.1f} %", f"{run.share_error():.2f}",
            f"{run.share_budget():.2f}", f"{run.noise():.2f}",
            f"{run.samples:,}", f"{run.achieved_rate():,.0f} Hz"]


def add_rows(engine, runs):
    mix, worst = max(runs.items(), key=lambda item: item[1].share_error() /
                     item[1].share_budget())
    total = max((run.total_error() for run in runs.values()), key=abs)
    judged = engine not in BY_KERNEL_TICKS
    off = ", ".join(f"{name} {run.share_error():.2f}"
                    for name, run in runs.items())
    figures.row(f"shares by {engine}, worst of {len(runs)} mixes",
                f"{worst.share_error():.2f} points ({mix})",
                f"{worst.share_budget():.2f} at {worst.samples:,} samples"
                if judged else None, "the thread's CPU clock", off,
                all(run.share_error() <= run.share_budget()
                    for run in runs.values()) if judged else None)
    figures.row(f"total CPU time by {engine}, worst of {len(runs)} mixes",
                f"{total:+.2f} %", f"±{known.TOTAL_BUDGET} %" if judged
                else None, "getrusage()", "",
                abs(total) <= known.TOTAL_BUDGET if judged else None)


def main():
    program = sys.argv[1]
    lines, missing = [], []
    for engine in ENGINES:
        try:
            runs = dict(measure(program, engine))
        except known.NotHere as error:
            missing.append(str(error))
            continue
        lines += [line(mix, engine, run) for mix, run in runs.items()]
        add_rows(engine, runs)
    lines.sort(key=lambda words: MIXES.index(words[0]))
    print(f"asked for {RATE:,} Hz; shares in points, totals in per cent of "
          "getrusage()")
    figures.table(HEAD, lines)
    for error in missing:
        print(f"left out: {error}")


main()
