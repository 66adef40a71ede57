# SPDX-License-Identifier: MIT

"""What the benchmarks in Python share: figures, their spread, and the rows that
run.py makes one table of."""

import json
import os
import statistics

LONG = bool(os.environ.get("VMPROF_BENCH_LONG"))


def row(what, measured, budget=None, baseline="", spread="", met=None):
    """One row of the table, all words but `met`: whether `measured` is within
    `budget`, None if there is none or this run is too short to say."""
    file = os.environ.get("VMPROF_BENCH_ROWS")
    if file:
        with open(file, "a", encoding="utf-8") as rows:
            print(json.dumps({"what": what, "measured": measured,
                              "spread": spread, "budget": budget,
                              "baseline": baseline, "met": met}), file=rows)


def middle(values):
    """The median and the quartiles."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return median, low, high


def table(head, lines):
    """Print lines of words under a head, each column as wide as it needs."""
    rows = [head, *lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    for words in rows:
        print("  ".join(word.ljust(width) if i == 0 else word.rjust(width)
                        for i, (word, width) in enumerate(zip(words, widths)))
              .rstrip())
