#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""What a rung finds of a program whose threads know where their time went:
known_truth.py PROGRAM BENCH_DIRECTORY. Short runs: a share may be off by four
standard deviations of as many samples that fall by chance alone. Others use
the machine, too: what is wrong is wrong three times in a row."""

import functools
import pathlib
import sys
import unittest

PROGRAM, BENCH = sys.argv.pop(1), sys.argv.pop(1)
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "support"),
                BENCH]

import known  # noqa: E402
import tap  # noqa: E402

RATE = 2000
SECONDS = 0.6
TRIES = 3


def run(mix, engine, threads=2, seconds=SECONDS, rate=RATE):
    try:
        return known.run(PROGRAM, mix, engine, threads, seconds, rate)
    except known.NotHere as error:
        raise unittest.SkipTest(str(error)) from None


def tried_thrice(check):
    @functools.wraps(check)
    def checked(*arguments):
        for _ in range(TRIES - 1):
            try:
                return check(*arguments)
            except AssertionError as error:
                print("# tried again:", str(error).splitlines()[0])
        return check(*arguments)

    return checked


class KnownTruth(unittest.TestCase):
    @tried_thrice
    def check_shares(self, mix, engine, least=RATE * SECONDS / 2,
                     seconds=SECONDS, rate=RATE):
        found = run(mix, engine, seconds=seconds, rate=rate)
        self.assertGreater(found.samples, least)
        self.assertLess(found.share_error(), 4 * found.noise())
        self.assertLess(abs(found.total_error()), known.TOTAL_BUDGET)

    def test_steady_shares_are_found(self):
        self.check_shares("steady", "perf")

    def test_shares_of_bursts_are_found(self):
        self.check_shares("bursty", "perf")

    def test_shares_in_step_with_the_interval_are_found(self):
        self.check_shares("lockstep", "perf")

    def test_a_function_that_evades_kernel_ticks_is_found(self):
        self.check_shares("evading", "perf")

    def test_a_timer_that_ticks_while_time_passes_finds_steady_shares(self):
        self.check_shares("steady", "monotonic")

    def test_a_timer_that_ticks_while_time_passes_finds_what_sleeps(self):
        self.check_shares("bursty", "monotonic")
        self.check_shares("evading", "monotonic")

    def test_what_works_briefly_after_long_sleeps_is_found(self):
        self.check_shares("serving", "monotonic", RATE * 0.15 / 4, 0.15)

    # Where CPUs are short a look may find nobody at work.
    def test_looks_charge_no_sleep_with_cpu_time(self):
        self.check_shares("steady", "observer", RATE * SECONDS / 4)
        self.check_shares("bursty", "observer", RATE * SECONDS / 4)
        self.check_shares("evading", "observer", RATE * SECONDS / 4)

    def test_polls_find_what_bursts_and_steady_work_take(self):
        self.check_shares("steady", "polled")
        self.check_shares("bursty", "polled")

    @tried_thrice
    def test_a_poll_after_a_sleep_charges_it_with_no_more_than_it_took(self):
        found = run("bursty", "polled", seconds=2)
        slept = found.result["found_ns"]["run"] / found.sampled
        true = found.result["truth_ns"]
        self.assertLess(100 * abs(slept - true["run"] / sum(true.values())),
                        1.5)

    # Of their lives what the library takes itself is a large part.
    def test_threads_briefer_than_an_interval_have_their_shares(self):
        for engine in "perf", "monotonic", "polled":
            self.check_shares("brief", engine, 1000, 2.0, 1000)

    @tried_thrice
    def test_threads_briefer_than_an_interval_are_sampled(self):
        found = run("brief", "perf")
        due = found.rusage / found.result["interval_ns"]
        self.assertGreater(found.samples, due / 2)
        self.assertGreater(found.delivered(), 90)

    @tried_thrice
    def check_weights(self, engine):
        found = run("steady", engine, 8, 8 * 0.15)
        self.assertEqual(len(found.by_thread()), 8)
        for weight in found.by_thread():
            self.assertAlmostEqual(weight, 100, delta=known.THREAD_BUDGET)
        self.assertLess(found.variation(), known.CV_BUDGET)

    def test_each_of_8_threads_gets_the_weight_of_its_time(self):
        for engine in ("perf", "monotonic"):
            with self.subTest(engine):
                self.check_weights(engine)


if __name__ == "__main__":
    tap.main()
