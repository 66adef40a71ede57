#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts, lines and calls in files that are damaged, cut or lie."""

import random
import unittest

from common import (CALL, MAIN, SLOW, WORK, calls, counts, coverage, demo,
                    info, session, tap, vmprof, vmprof_file, write)
from vmprof_file import CALLS, EVENT_COUNTS, LINES, varint

HUGE = varint(2 ** 64 - 1)


def one(kind, payload):
    return session(lambda s: s.put(kind, payload))


class Damage(unittest.TestCase):
    def test_rows_that_cannot_be_are_damage(self):
        for kind, payload in (
                (EVENT_COUNTS, b"\0\0\1" + b"\1\x40\1"),    # event 64
                (EVENT_COUNTS, b"\0\0\1" + b"\1\0"),        # cut
                (EVENT_COUNTS, b"\0\0\1" + b"\1\0\1\0"),    # more
                (EVENT_COUNTS, b"\0\0\2" + b"\1\0\1"),      # fewer
                (EVENT_COUNTS, b"\0"),
                (LINES, b"\0\0\1" + b"\1\1"),               # line 0
                (LINES, b"\0\0\1\1" + varint(2 ** 33)),     # beyond
                (LINES, b"\0\0\1\1"),
                (CALLS, b"\0\0\0\0\1" + b"\2\1\1\0\1"),
                (CALLS, b"\0\0\0")):
            with self.subTest(kind=kind, payload=payload):
                self.assertGreater(
                    info(one(kind, payload))["damage"]["bytes_unread"], 0)

    def test_numbers_that_lie_cost_no_memory(self):
        for kind, head in ((EVENT_COUNTS, b"\0\0"), (LINES, b"\0\0"),
                           (CALLS, b"\0\0\0\0")):
            result = info(one(kind, head + HUGE))
            self.assertGreater(result["damage"]["bytes_unread"], 0)

    def test_sums_do_not_run_over(self):
        row = [(WORK, CALL, 2 ** 64 - 1)]
        data = session(lambda s: s.event_counts(row),
                       lambda s: s.event_counts(row, lost=2 ** 64 - 1),
                       lambda s: s.event_counts(row, lost=2 ** 64 - 1))
        self.assertEqual(counts(data)["work", CALL], 2 ** 64 - 1)
        edge = [(MAIN, WORK, *[2 ** 64 - 1] * 4), (None, WORK, 0, 0, 0,
                                                   2 ** 64 - 1)]
        data = session(*[lambda s: s.calls(edge)] * 2)
        self.assertEqual(calls(data)["work", "main"], (2 ** 64 - 1,) * 2)
        for name in ("callgrind", "lcov"):
            self.assertIn(vmprof("convert", "--to", name, "-o", "-",
                                 write(data)).returncode, (0, 1))

    def test_codes_that_are_lost_are_unknown(self):
        data = session(lambda s: s.event_counts([(77, CALL, 3)]),
                       lambda s: s.lines([(77, 4, 1)]),
                       lambda s: s.calls([(77, 78, 5, 0, 1, 1)]))
        self.assertEqual(counts(data), {(None, CALL): 3})
        self.assertEqual(len(coverage(data)), 1)
        self.assertEqual(list(calls(data).values()), [(5, 0)])
        vmprof("convert", "--to", "callgrind", "-o", "-", write(data))

    def test_files_changed_anywhere_are_read(self):
        good, draw = demo(), random.Random(7)
        for _ in range(20 if SLOW else 60):
            data = bytearray(good)
            for _ in range(draw.randint(1, 4)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            done = vmprof("events", "--json", "--counters", "--coverage",
                          "--callgraph", write(bytes(data)))
            self.assertIn(done.returncode, (0, 1))

    def test_payloads_changed_anywhere_are_read(self):
        """With right checksums, so that the rows themselves are looked at."""
        draw = random.Random(8)
        for _ in range(20 if SLOW else 60):
            s = vmprof_file.Session()
            for kind in (EVENT_COUNTS, LINES, CALLS):
                s.put(kind, bytes(draw.choice((0, 1, 2, 4, 200, 255))
                                  for _ in range(draw.randint(0, 60))))
            s.end(10)
            for options in (["events", "--counters", "--coverage",
                             "--callgraph"],
                            ["convert", "--to=callgrind", "-o", "-"],
                            ["convert", "--to=lcov", "-o", "-"]):
                done = vmprof(*options, write(s.bytes()))
                self.assertIn(done.returncode, (0, 1))


if __name__ == "__main__":
    tap.main()
