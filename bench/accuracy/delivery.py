#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""delivery.py PROGRAM: how much of each thread's CPU time its samples weigh, on
1 to 16 threads that compute at once.

CPU time by getrusage() of each thread. "ticks" is what counting samples would
give: their number times the interval, in per cent of the CPU time; with CPU
timers, and so with most profilers, that is all there is. CV is the coefficient
of variation of the delivered weight over the threads."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import figures  # noqa: E402
import known  # noqa: E402

ENGINES = ["perf", "monotonic", "cpu-timer", "observer", "polled",
           "gperftools"]
THREADS = [1, 2, 4, 8, 16]
RATE = 1000
SECONDS_EACH = 1.0 if figures.LONG else 0.2
HEAD = ["threads", "engine", "weight", "least", "most", "CV", "ticks"]


def line(threads, engine, run):
    each = run.by_thread()
    varies = run.variation()
    ticks = 100 * run.samples / (RATE * run.rusage * 1e-9)
    return [str(threads), engine, f"{run.delivered():.2f} %",
            f"{min(each):.2f} %" if each else "-",
            f"{max(each):.2f} %" if each else "-",
            "-" if varies is None else f"{varies:.4f}", f"{ticks:.1f} %"]


def add_rows(engine, runs):
    each = [weight for run in runs for weight in run.by_thread()]
    if not each:
        totals = [run.delivered() for run in runs]
        figures.row(f"CPU time delivered by {engine}, {min(THREADS)} to "
                    f"{max(THREADS)} threads",
                    f"{min(totals):.1f} to {max(totals):.1f} %", None,
                    "getrusage()")
        return
    variation = max(run.variation() or 0 for run in runs)
    figures.row(f"weight delivered by {engine}, each thread of "
                f"{min(THREADS)} to {max(THREADS)}",
                f"{min(each):.2f} to {max(each):.2f} %",
                f"100 ± {known.THREAD_BUDGET:g} %", "getrusage()", "",
                max(abs(weight - 100) for weight in each)
                <= known.THREAD_BUDGET)
    figures.row(f"its coefficient of variation, {engine}",
                f"{variation:.4f}", f"{known.CV_BUDGET}", "", "",
                variation <= known.CV_BUDGET)


def main():
    program = sys.argv[1]
    lines, missing = [], []
    for engine in ENGINES:
        try:
            runs = [known.run(program, "steady", engine, threads,
                              SECONDS_EACH * max(threads, 4), RATE)
                    for threads in THREADS]
        except known.NotHere as error:
            missing.append(str(error))
            continue
        lines += [line(threads, engine, run)
                  for threads, run in zip(THREADS, runs)]
        add_rows(engine, runs)
    lines.sort(key=lambda words: int(words[0]))
    figures.table(HEAD, lines)
    for error in missing:
        print(f"left out: {error}")


main()
