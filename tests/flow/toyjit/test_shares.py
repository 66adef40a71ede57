#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""test_shares.py TOYVM PROGRAMS VMPROF: the time of loops by samples, which the
events of the same run agree with."""

import collections
import unittest

from jit import BACKENDS, Profiled, tap

OPTIONS = ["jit-emits=current,event", "jit-inner=each", "--interval=0.0001"]
# 10,000 samples a second of CPU: the share of half the time has a standard
# deviation of 0.41 points, were they not even more regular than chance.
SECONDS = 1.5


class Shares(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.profiled = Profiled("jit_shares.toy", SECONDS, backend=BACKENDS[0],
                                options=OPTIONS)
        cls.report = cls.profiled.report
        truth = cls.profiled.truth
        cls.total = truth.thread["interpreter"] + sum(
            trace["self"] for trace in truth.traces.values())
        # With their bridges, in percent.
        cls.shares = collections.Counter()
        for trace in truth.traces.values():
            function = truth.traces[trace["root"]]["function"]
            cls.shares[function] += 100 * trace["self"] / cls.total
        # What is thought of the time that events show when other programs ran.
        cls.off_cpu = (100 * cls.report["events"]["off_cpu"] /
                       cls.report["events"]["time"])

    def by(self, method, key, total):
        shares = collections.Counter()
        for trace in self.report["traces"]:
            root = self.profiled.truth.traces[trace["id"]]["root"]
            function = self.profiled.truth.traces[root]["function"]
            figures = trace["figures"].get(method)
            shares[function] += 100 * figures[key] / total if figures else 0
        return shares

    def test_the_program_is_as_it_says(self):
        for function, share in [("half", 50), ("third", 30), ("seventh", 15),
                                ("twentieth", 5)]:
            self.assertAlmostEqual(self.shares[function], share, delta=2)

    def test_samples_are_right_within_a_point_and_a_half(self):
        found = self.by("sampled", "self_ns",
                        self.report["sampled"]["time_ns"])
        for function, share in self.shares.items():
            self.assertAlmostEqual(found[function], share, delta=1.5,
                                   msg=function)

    def test_events_and_samples_agree_within_three_points(self):
        events = self.by("events", "self", self.report["events"]["time"])
        sampled = self.by("sampled", "self_ns",
                          self.report["sampled"]["time_ns"])
        # Which loop other programs interrupted is not known exactly.
        delta = 3 + self.off_cpu
        for function in self.shares:
            self.assertAlmostEqual(events[function], sampled[function],
                                   delta=delta, msg=function)

    def test_events_miss_no_time_of_the_thread(self):
        self.assertEqual(self.report["events"]["lost"], 0)
        self.assertAlmostEqual(self.report["events"]["time"] / self.total, 1,
                               delta=0.02)


if __name__ == "__main__":
    tap.main()
