#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""The toy VM while it is profiled: programs work as ever, samples come, and
nothing is lost without a count. What the profiles say about them is looked at
by the tests of the command."""

import json
import os
import pathlib
import re
import tempfile
import unittest

from toyvm import PROGRAMS, run

SUMMARY = re.compile(r"toyvm: (\d+) samples of (\d+) due, (\d+) stacks cut, "
                     r"(\d+) bytes\n$")


class Summary:
    def __init__(self, done, size):
        match = SUMMARY.search(done.stderr)
        assert match, done.stderr
        self.samples, self.due, self.cut, self.bytes = map(
            int, match.groups())
        self.size = size
        self.output = done.stdout


def profile(test, program, *arguments, options=()):
    """Run a program to its good end, profiled; returns what was recorded."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "profile"
        done = run("--profile", file, *options, PROGRAMS / f"{program}.toy",
                   *arguments)
        test.assertEqual(done.returncode, 0, done.stderr)
        test.assertEqual(file.read_bytes()[:4], b"\x8eVMP")
        return Summary(done, file.stat().st_size)


class Profiled(unittest.TestCase):
    def check(self, program, *arguments, output, options=()):
        recorded = profile(self, program, *arguments, options=options)
        self.assertEqual(recorded.output, output)
        self.assertGreater(recorded.samples, 0)
        self.assertLessEqual(recorded.samples, recorded.due)
        self.assertEqual(recorded.size, recorded.bytes)
        return recorded

    def test_calls_100000_deep_return_and_what_is_cut_is_counted(self):
        recorded = self.check("deep", 100000, 5, output=
                              "returned from 100000 calls, 5 times\n")
        self.assertGreater(recorded.cut, 0)

    def test_1000_coroutines_keep_their_turns(self):
        self.check("coroutines", 1000, 50, output="50000 turns\n")

    def test_64_threads_return(self):
        self.check("threads", 64, 100, output="64 threads returned\n")

    def test_64_threads_return_while_they_are_observed(self):
        self.check("threads", 64, 100, output="64 threads returned\n",
                   options=["--mode", "wall"])

    def test_exceptions_pass_through_50_frames(self):
        recorded = self.check("exceptions", 4000, output=
                              "caught 8000 exceptions\n")
        self.assertEqual(recorded.cut, 0)

    def test_exceptions_pass_while_they_are_observed(self):
        self.check("exceptions", 4000, output="caught 8000 exceptions\n",
                   options=["--mode", "wall"])

    def test_the_collector_runs(self):
        self.check("objects", 3000, output="3000 rounds, area 674645\n")

    def test_a_short_interval_changes_no_result(self):
        for program, arguments, output in [
                ("coroutines", [200, 50], "10000 turns\n"),
                ("exceptions", [1000], "caught 2000 exceptions\n"),
                ("fibonacci", [22], "fibonacci 22 is 17711\n")]:
            with self.subTest(program):
                self.check(program, *arguments, output=output,
                           options=["--interval", "0.0001"])

    def test_stacks_of_12_and_50_are_whole(self):
        for program in ["depth12", "depth50"]:
            with self.subTest(program):
                recorded = self.check(program, 0.3, output="")
                self.assertEqual(recorded.cut, 0)

    def test_a_program_runs_in_many_threads_at_once(self):
        self.check("fibonacci", 25, output="fibonacci 25 is 75025\n" * 4,
                   options=["--threads", "4"])


# The program calibrates itself: the more turns, the truer its shares.
SECONDS = 2


class Truth(unittest.TestCase):
    def truth(self, *arguments, options=()):
        done = run("--truth", *options, *arguments)
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        return json.loads(done.stdout.splitlines()[-1])

    def check_sums(self, truth):
        total = sum(f["self_ns"] for f in truth["functions"])
        self.assertEqual(total, truth["total_ns"])
        self.assertAlmostEqual(sum(f["share"] for f in truth["functions"]), 1,
                               places=3)

    def check_shares(self, truth):
        shares = {f["function"]: f["share"] for f in truth["functions"]}
        for name, share in [("half", 0.5), ("third", 0.3), ("seventh", 0.15),
                            ("twentieth", 0.05)]:
            self.assertAlmostEqual(shares[name], share, delta=0.03)

    def test_known_shares_are_found_by_the_clock(self):
        truth = self.truth(PROGRAMS / "shares.toy", SECONDS)
        self.check_sums(truth)
        self.check_shares(truth)
        self.assertEqual([t["thread"] for t in truth["threads"]], ["toy 0"])

    def test_threads_add_up(self):
        truth = self.truth(PROGRAMS / "shares.toy", SECONDS, 3)
        self.check_sums(truth)
        self.check_shares(truth)
        for thread in truth["threads"]:
            self.check_sums(thread)
        self.assertEqual(sum(t["total_ns"] for t in truth["threads"]),
                         truth["total_ns"])
        self.assertEqual(sorted(t["thread"] for t in truth["threads"]),
                         ["toy 0", "toy 1", "toy 2", "toy 3"])

    def test_truth_names_functions_as_profiles_do(self):
        program = PROGRAMS / "shares.toy"
        names = {f["function"]: f["name"]
                 for f in self.truth(program, 0.1)["functions"]}
        line = program.read_text().splitlines().index("fn third(n) {") + 1
        self.assertEqual(names["third"], f"toy:third:{line}:{program}")
        self.assertEqual(names["clock"], "toy-native:clock:0:")

    def test_truth_is_the_cpu_time_of_the_process_and_no_more(self):
        before = os.times()
        truth = self.truth(PROGRAMS / "shares.toy", 0.5, 2)
        after = os.times()
        used = (after.children_user + after.children_system -
                before.children_user - before.children_system)
        self.assertLessEqual(truth["total_ns"] * 1e-9, used + 0.02)
        self.assertGreater(truth["total_ns"] * 1e-9, used * 0.8)


unittest.main()
