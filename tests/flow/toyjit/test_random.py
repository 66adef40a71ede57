#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""test_random.py TOYVM PROGRAMS: random programs, interpreted and compiled.
SEEDS in the environment, as "from-to", asks for other ones."""

import collections
import os
import pathlib
import tempfile
import unittest

import generate
from jit import BACKENDS, Truth, outcome, run, tap

SLOW = "VMPROF_TEST_SLOW" in os.environ
FIRST, LAST = map(int, os.environ.get(
    "SEEDS", "0-8" if SLOW else "0-15").split("-"))
THRESHOLDS = [["jit-hot=2", "jit-bridge=2"], ["jit-hot=5", "jit-bridge=1"]]


class Random(unittest.TestCase):
    def test_compiled_programs_do_what_interpreted_ones_do(self):
        seen = collections.Counter()
        for seed in range(FIRST, LAST):
            self.check(seed, seen)
        # That they are compiled at all, in all ways.
        for what in ["loop", "entry bridge", "bridge", "method", "call",
                     "interpreter", "freed"]:
            self.assertGreater(seen[what], 0, what)

    def check(self, seed, seen):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "random.toy"
            truth = pathlib.Path(directory) / "truth"
            path.write_text(generate.program(seed))
            expected = outcome(run(path, directory=directory))
            for backend in BACKENDS:
                for how in THRESHOLDS:
                    options = [f"jit={backend}", *how,
                               f"--jit-truth={truth}"]
                    with self.subTest(seed=seed, options=options[:3]):
                        self.assertEqual(outcome(run(path, options=options)),
                                         expected)
                        self.count(Truth(truth), seen)

    def count(self, truth, seen):
        self.assertEqual(truth.thread["unexpected"], 0)
        for trace in truth.traces.values():
            seen[trace["kind"]] += 1
            seen[trace["end"]] += 1
            seen["freed"] += trace["freed"]
        for (_, _, edge), count in truth.edges.items():
            seen[edge] += count


if __name__ == "__main__":
    tap.main()
