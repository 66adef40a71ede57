#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Programs do the same whether they are profiled or not, in each way that
compiled code can be watched; and what is told of its edges is a sequence that
can be."""

import pathlib
import tempfile
import unittest

from luajit import LUAJIT, PROGRAMS, counters, read, run, run_started

# Machine code as it is, and written over in all places that can be.
WAYS = (
    {"edges": "current", "interval": 0.0002},
    {"edges": "count"},
    {"edges": "events", "inner": "each", "overflow": "block"},
)


class Transparent(unittest.TestCase):
    def check(self, program, *arguments):
        plain = run(LUAJIT, program, *arguments)
        self.assertEqual(plain.returncode, 0, plain.stderr)
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "profile"
            for way in WAYS:
                with self.subTest(program=program.name, **way):
                    done = run_started(program, file, *arguments, **way)
                    self.assertEqual(done.stdout, plain.stdout)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.check_counters(way, counters(done))
            self.check_events(read("jit", file))

    def check_counters(self, way, stats):
        self.assertGreater(stats["traces"], 0)
        self.assertEqual(stats["traces_unknown"], 0)
        self.assertEqual(stats["traces_left_alone"], 0)
        self.assertEqual(stats["jit_events_lost"], 0)
        if way["edges"] == "current":
            self.assertEqual(stats["traces_told"], 0)
        else:
            self.assertGreater(stats["traces_told"], 0)

    def check_events(self, jit):
        events = jit["events"]
        self.assertGreater(events["events"], 0)
        self.assertEqual(events["mismatches"], 0)
        self.assertEqual(events["lost"], 0)
        for trace in jit["traces"]:
            figures = trace["figures"]
            if "entries" in figures["counts"]:
                self.assertEqual(figures["counts"]["entries"],
                                 figures["events"]["entries"], trace["name"])


def add(program):
    def test(self):
        self.check(program)
    setattr(Transparent, f"test_{program.stem}_does_the_same", test)


for path in PROGRAMS:
    add(path)

if __name__ == "__main__":
    unittest.main()
