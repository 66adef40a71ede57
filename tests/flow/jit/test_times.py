#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""From ticks to time: marks, time off the CPU, what was lost."""

import random
import unittest

import common as c
from common import ENTER, EXIT, JUMP, jit

MS = 1000000


def recorded(events, marks, **more):
    s = c.session()
    s.events(0, events, marks, **more)
    return s


def loop_ns(data):
    return c.by_name(jit(data))["loop"]["figures"]["events"]["self"]


class Marks(unittest.TestCase):
    def test_ticks_have_the_length_that_marks_give_them(self):
        for rate in (0.4, 1, 3.7):
            events = [(int(5 * MS * rate), ENTER, c.LOOP),
                      (int(9 * MS * rate), EXIT, c.LOOP)]
            data = recorded(events, [(0, 0, 0), (int(20 * MS * rate), 20 * MS,
                                                 20 * MS)]).bytes()
            self.assertAlmostEqual(loop_ns(data) / MS, 4, 3)

    def test_each_stretch_between_marks_has_its_own_rate(self):
        marks = [(0, 0, 0), (10 * MS, 10 * MS, 10 * MS),
                 (20 * MS, 15 * MS, 15 * MS)]
        data = recorded([(8 * MS, ENTER, c.LOOP), (14 * MS, EXIT, c.LOOP)],
                        marks).bytes()
        self.assertAlmostEqual(loop_ns(data) / MS, 2 + 2, 3)

    def test_events_wait_for_the_mark_of_a_later_chunk(self):
        s = recorded([(1 * MS, ENTER, c.LOOP)], [(0, 0, 0)])
        s.events(0, [(5 * MS, EXIT, c.LOOP)],
                 [(3 * MS, 6 * MS, 6 * MS), (10 * MS, 20 * MS, 20 * MS)],
                 first=1)
        self.assertAlmostEqual(loop_ns(s.bytes()) / MS, 8, 3)

    def test_what_comes_after_the_last_mark_has_the_last_rate(self):
        data = recorded([(5 * MS, ENTER, c.LOOP), (30 * MS, EXIT, c.LOOP)],
                        [(0, 0, 0), (10 * MS, 20 * MS, 20 * MS)]).bytes()
        self.assertAlmostEqual(loop_ns(data) / MS, 50, 3)

    def test_without_two_marks_events_count_but_take_no_time(self):
        result = jit(recorded([(1, ENTER, c.LOOP), (9, EXIT, c.LOOP)],
                              [(0, 0, 0)]).bytes())
        self.assertEqual(result["events"]["time"], 0)
        self.assertEqual(result["damage"]["untimed"], 2)
        self.assertEqual(c.events_of(result)["loop"][2], 1)

    def test_a_clock_that_goes_back_is_counted(self):
        events = [(5 * MS, ENTER, c.LOOP), (4 * MS, JUMP, c.BRIDGE),
                  (6 * MS, EXIT, c.BRIDGE)]
        result = jit(recorded(events, [(0, 0, 0), (10 * MS, 10 * MS,
                                                   10 * MS)]).bytes())
        self.assertEqual(result["damage"]["backwards"], 1)
        self.assertEqual(result["events"]["time"], 10 * MS)
        self.assertEqual(c.events_of(result, MS)["loop"][0], 1)

    def test_threads_have_clocks_of_their_own(self):
        s = recorded([(1 * MS, ENTER, c.LOOP), (2 * MS, EXIT, c.LOOP)],
                     [(0, 0, 0), (10 * MS, 10 * MS, 10 * MS)])
        s.events(1, [(3 * MS, ENTER, c.LOOP), (7 * MS, EXIT, c.LOOP)],
                 [(0, 0, 0), (10 * MS, 10 * MS, 10 * MS)])
        result = jit(s.bytes())
        self.assertEqual(c.events_of(result, MS)["loop"][:1], (5,))
        self.assertEqual(result["events"]["time"], 20 * MS)


class OffCpu(unittest.TestCase):
    def times(self, events, cpu):
        result = jit(recorded([(t * MS, edge, c.LOOP) for t, edge in events],
                              [(0, 0, 0), (20 * MS, 20 * MS,
                                           cpu * MS)]).bytes())
        self.assertEqual(result["events"]["time"], cpu * MS)
        self.assertEqual(result["events"]["off_cpu"], (20 - cpu) * MS)
        return (c.events_of(result, MS)["loop"][0],
                result["events"]["interpreter"] / MS)

    def test_it_is_taken_out_of_the_longest_stretch(self):
        self.assertEqual(self.times(
            [(1, ENTER), (2, EXIT), (4, ENTER), (18, EXIT)], 15), (10, 5))

    def test_what_comes_once_is_held_against_others_of_its_sort(self):
        """Interpreting took 4 ms before, so 4 of its 8 are excess."""
        self.assertEqual(self.times([(4, ENTER), (12, EXIT)], 15), (7, 8))

    def test_it_is_taken_where_more_passed_than_usual(self):
        """One stretch of 1 ms that took 3, among others that always do."""
        events, now = [], 0
        for number in range(20):
            for trace, length in ((c.LOOP, 1000), (c.OTHER, 3000)):
                events.append((now + 100, ENTER, trace))
                now += 100 + length
                if number == 15 and trace == c.LOOP:
                    now += 2000
                events.append((now, EXIT, trace))
        data = recorded([(t * 1000, e, i) for t, e, i in events], [
            (0, 0, 0), (now * 1000, now * 1000, now * 1000 - 2 * MS)]).bytes()
        figures = c.events_of(jit(data), MS)
        self.assertAlmostEqual(figures["loop"][0], 20, delta=0.2)
        self.assertAlmostEqual(figures["other"][0], 60, delta=0.2)

    def test_a_cpu_clock_that_was_read_late_is_made_up_for(self):
        """The writer was preempted for 4 ms in the middle of the second mark."""
        result = jit(recorded([(t * MS, edge, c.LOOP) for t, edge in (
            (0, ENTER), (19, EXIT), (21, ENTER), (59, EXIT))], [
                (0, 0, 0), (20 * MS, 20 * MS, 16 * MS),
                (40 * MS, 40 * MS, 40 * MS),
                (60 * MS, 60 * MS, 50 * MS)]).bytes())
        self.assertEqual(result["events"]["time"], 50 * MS)
        self.assertEqual(result["events"]["off_cpu"], 10 * MS)

    def test_a_thread_that_never_ran_has_no_time(self):
        self.assertEqual(self.times([(1, ENTER), (19, EXIT)], 0), (0, 0))

    def test_short_stretches_keep_their_time(self):
        """A preemption of 5 ms among segments of 1 us: all but one are whole,
        and that one is not longer than the others."""
        source = random.Random(7)
        events, now = [], 0
        for number in range(2000):
            now += 1000 + source.randrange(50)
            if number == 1001:
                now += 5 * MS
            events.append((now, ENTER if number % 2 == 0 else EXIT, c.LOOP))
        now += 1000
        data = recorded(events, [(0, 0, 0), (now, now, now - 5 * MS)]).bytes()
        result = jit(data)
        loop = c.by_name(result)["loop"]["figures"]["events"]
        self.assertEqual(loop["segments"], 1000)
        self.assertAlmostEqual(loop["self"] / 1000, 1025, delta=15)


class Lost(unittest.TestCase):
    def test_nothing_is_known_from_the_last_event_on(self):
        s = recorded([(1 * MS, ENTER, c.LOOP), (2 * MS, JUMP, c.OTHER)],
                     [(0, 0, 0), (3 * MS, 3 * MS, 3 * MS)])
        s.events(0, [(6 * MS, ENTER, c.LOOP), (8 * MS, EXIT, c.LOOP)],
                 [(3 * MS, 3 * MS, 3 * MS), (10 * MS, 10 * MS, 10 * MS)],
                 first=2, lost=5)
        result = jit(s.bytes())
        self.assertEqual(c.events_of(result, MS)["loop"][0], 3)
        self.assertEqual(c.events_of(result, MS)["other"][0], 0)
        self.assertEqual(result["events"]["unknown"], 4 * MS)
        self.assertEqual((result["events"]["losses"],
                          result["events"]["lost"]), (1, 5))
        self.assertEqual(result["events"]["mismatches"], 0)
        self.assertEqual(c.transitions(result)[("?", "loop")], 1)

    def test_a_missing_chunk_is_a_loss(self):
        s = recorded([(1 * MS, ENTER, c.LOOP)],
                     [(0, 0, 0), (2 * MS, 2 * MS, 2 * MS)])
        s.number += 1
        s.events(0, [(6 * MS, EXIT, c.LOOP)],
                 [(2 * MS, 2 * MS, 2 * MS), (8 * MS, 8 * MS, 8 * MS)], first=7)
        result = jit(s.bytes())
        self.assertEqual(result["events"]["lost"], 6)
        self.assertEqual(result["events"]["unknown"], 5 * MS)

    def test_a_ring_that_kept_the_newest_begins_with_a_loss(self):
        s = recorded([(6 * MS, EXIT, c.LOOP), (7 * MS, ENTER, c.LOOP),
                      (9 * MS, EXIT, c.LOOP)],
                     [(5 * MS, 5 * MS, 5 * MS), (10 * MS, 10 * MS, 10 * MS)],
                     lost=1000, bits=2)
        result = jit(s.bytes())
        self.assertEqual(c.events_of(result, MS)["loop"][0], 2)
        self.assertEqual(result["events"]["unknown"], 1 * MS)
        self.assertEqual(result["events"]["mismatches"], 0)

    def test_info_counts_traces_and_events(self):
        counts = c.info(recorded([(1, ENTER, c.LOOP)], [(0, 0, 0)],
                                 lost=3).bytes())["counts"]
        self.assertEqual((counts["traces"], counts["jit_events"],
                          counts["jit_events_lost"]), (4, 1, 3))


class Probes(unittest.TestCase):
    def flips(self, length, *options):
        events = [(i * length, ENTER if i % 2 == 0 else EXIT, c.LOOP)
                  for i in range(200)]
        end = 200 * length
        data = recorded(events, [(0, 0, 0), (end, end, end)]).bytes()
        found = c.by_name(jit(data, *options))["loop"]["figures"]["events"]
        return found, c.text("jit", *options, c.write(data))

    def test_segments_of_a_few_probes_are_marked(self):
        found, table = self.flips(20)
        self.assertTrue(found["unreliable"])
        self.assertEqual(found["self"], 100 * 20)
        self.assertIn("segments are shorter than five probes, which take 20 ns",
                      table)

    def test_longer_ones_are_not(self):
        found, table = self.flips(200)
        self.assertFalse(found["unreliable"])
        self.assertNotIn("probes", table)

    def test_what_events_are_said_to_take_is_taken_off(self):
        found, table = self.flips(200, "--probe", "50")
        self.assertTrue(found["unreliable"])
        self.assertEqual(found["self"], 100 * 150)
        self.assertIn("shorter than five probes, which take 50 ns", table)


if __name__ == "__main__":
    c.tap.main()
