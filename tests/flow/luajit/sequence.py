#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""A thousand million edges, of all programs in turns, none of which cannot
follow the one before it. VMPROF_TEST_EVENTS asks for another number."""

import os
import pathlib
import tempfile
import unittest

from luajit import PROGRAMS, counters, read, run_started

WANTED = int(os.environ.get("VMPROF_TEST_EVENTS", 10 ** 9))
SCALE = 8


class Sequence(unittest.TestCase):
    def count(self, program, file):
        done = run_started(program, file, SCALE, edges="events", inner="each",
                           overflow="block")
        self.assertEqual(done.returncode, 0, done.stderr)
        events = read("jit", file)["events"]
        self.assertEqual(events["events"], counters(done)["jit_events"])
        self.assertEqual(events["lost"], 0, program)
        self.assertEqual(events["mismatches"], 0, program)
        file.unlink()
        return events["events"]

    def test_a_thousand_million_edges_are_in_sequence(self):
        count = turns = 0
        with tempfile.TemporaryDirectory() as directory:
            while count < WANTED:
                for program in PROGRAMS:
                    count += self.count(program,
                                        pathlib.Path(directory) / "profile")
                turns += 1
                print(f"# {count} edges in {turns} turns, no mismatch",
                      flush=True)


if __name__ == "__main__":
    unittest.main()
