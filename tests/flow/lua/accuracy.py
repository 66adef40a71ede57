#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Four functions with 50, 30, 15 and 5 % of the time: the report is within 1.5
points of what the program's own clock saw, on one thread and on four. With
VMPROF_TEST_LONG set: at 1,000 Hz over 10 s. The fourth argument is the host."""

import os
import pathlib
import re
import sys
import tempfile
import unittest

from lua import HERE, LUA, Profile, record, run

HOST = sys.argv.pop(1)
SHARES = HERE.parents[2] / "examples/lua/shares.lua"
LONG = bool(os.environ.get("VMPROF_TEST_LONG"))
SECONDS = 10 if LONG else 2.5
# A short run has no more samples than a long one for the same noise.
RATE = 1000 if LONG else 4000
NAMES = ("half", "third", "sixth", "twentieth")


def truth_of(output):
    """The mean shares that the clocks of `output`'s programs saw."""
    seen = {name: [] for name in NAMES}
    for name, share in re.findall(r"(\w+) +([\d.]+) %", output):
        seen[name].append(float(share))
    return {name: sum(shares) / len(shares) for name, shares in seen.items()}


def four_shares(shares):
    """Of the four functions alone, as the truth has it."""
    whole = sum(shares.values())
    return {name: 100 * share / whole for name, share in shares.items()}


class Accuracy(unittest.TestCase):
    def compare(self, profile, truth):
        seen = {name: profile.self_share(name) for name in NAMES}
        self.assertGreater(sum(seen.values()), 95)
        for name, share in four_shares(seen).items():
            self.assertAlmostEqual(share, truth[name], delta=1.5, msg=name)

    def test_on_one_thread(self):
        profile, done = record([LUA, SHARES, SECONDS],
                               "-r", RATE)
        self.compare(profile, truth_of(done.stdout))

    def test_on_four_threads(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "profile"
            done = run(HOST, "shares", file, SHARES,
                       SECONDS if LONG else SECONDS / 2, 4, 1 / RATE)
            self.assertEqual(done.returncode, 0, done.stderr)
            profile = Profile(file)
        self.assertEqual(done.stdout.count("half"), 4)
        self.compare(profile, truth_of(done.stdout))
        self.assertEqual(sum(thread["samples"] > 500 for thread
                             in profile.report["threads"]), 4)


if __name__ == "__main__":
    unittest.main()
