#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof logs that other readers throw away or get wrong, and hostile ones."""

import gzip
import json
import random
import resource
import struct
import unittest

from command import (ALL, VMPROF, by_name, info, report, tap, text, vmprof,
                     write)
from log_demo import (DEMO_SHARES, F, G, H, demo, names, pairs, shares,
                      undamaged)
from vmprof_log import CODE, MEMORY, PAIRS, Log


class Repairs(unittest.TestCase):
    """What other readers throw away, or get wrong."""

    def check(self, data, expected, counts=None):
        result = report(data)
        self.assertEqual(shares(result), counts or DEMO_SHARES)
        self.assertEqual(result["damage"]["repairs"], expected)

    def test_bytes_between_records_are_skipped_and_said(self):
        whole = demo().bytes()
        first = names(Log()).bytes()
        for junk in (b"\0", b"\x09" + b"\4" + b"\0" * 7 + b"abcd",
                     b"\xff" * 5000, bytes(700000)):
            data = first + junk + whole[len(first):]
            self.check(data, {"stretches_skipped": 1})
            damage = info(data)["damage"]
            self.assertEqual((damage["bytes_unread"], damage["first_offset"]),
                             (len(junk), len(first)))
            self.assertFalse(damage["cut"])

    def test_a_header_that_is_missing_or_late(self):
        for vm in (None, "toyvm"):
            log = names(Log(header=False))
            for _ in range(4):
                log.stack(pairs((CODE, F), (CODE, G)), thread=3)
            if vm:
                log.header(vm)
            self.check(log.end().bytes(), {"headers_missing": 1},
                       {"f": (0, 4000000), "g": (4000000, 4000000)})

    def test_headers_and_keys_that_are_repeated(self):
        log = names(Log()).meta("os", "a").meta("os", "b").header("toyvm")
        log.stack(pairs((CODE, F))).end()
        self.check(log.bytes(), {"headers_repeated": 1, "meta_repeated": 1},
                   {"f": (1000000, 1000000)})

    def test_memory_that_is_announced_and_missing(self):
        log = names(Log(mode=PAIRS | MEMORY))
        for _ in range(3):
            log.stack(pairs((CODE, F)))
        self.check(log.end().bytes(), {"layouts_corrected": 1},
                   {"f": (3000000, 3000000)})

    def test_counts_kinds_and_halves_of_frames(self):
        log = names(Log()).stack(pairs((CODE, F)), count=3).end()
        self.check(log.bytes(), {"samples_counted_more": 1},
                   {"f": (3000000, 3000000)})
        for kind in (0, 8, 1 << 40):
            log = names(Log()).stack(pairs((CODE, F), (kind, G))).end()
            self.check(log.bytes(), {"kinds_unknown": 1},
                       {"f": (0, 1000000), "g": (1000000, 1000000)})
        log = names(Log()).stack([CODE, G, CODE]).end()
        self.check(log.bytes(), {"frames_halved": 1},
                   {"g": (1000000, 1000000)})

    def test_names_that_are_no_utf8_missing_or_twice(self):
        log = Log().name(F, b"py:\xfff:1:a.py").name(G, "py:a:1:a")
        log.name(G, "py:b:1:a").stack(pairs((CODE, H), (CODE, F), (CODE, G)))
        result = report(log.end().bytes())
        self.assertEqual(result["damage"]["repairs"],
                         {"names_not_utf8": 1, "names_repeated": 1,
                          "names_missing": 1})
        self.assertEqual(set(by_name(result["functions"])),
                         {"\ufffdf", "b", "[unknown]"})

    def test_odd_zero_and_negative_ids_are_code(self):
        for ident in (0, 13, -8, 2**63 + 4):
            log = names(Log()).name(ident, "py:x:1:x")
            log.stack(pairs((CODE, F), (CODE, ident))).end()
            self.check(log.bytes(), {}, {"f": (0, 1000000),
                                         "x": (1000000, 1000000)})

    def test_no_period_and_unusual_words(self):
        self.check(demo(period=0).bytes(), {"periods_missing": 1})
        for at in (16, 32):
            data = bytearray(demo().bytes())
            data[at] = 2
            self.check(bytes(data), {"unusual_starts": 1})

    def test_what_follows_the_end(self):
        whole = demo().bytes()
        self.check(whole + b"garbage\0", {"bytes_after_end": 8})
        log = Log().stack(pairs((CODE, F))).end()
        self.check(names(log).bytes(), {"records_after_end": 1},
                   {"f": (1000000, 1000000)})

    def test_logs_that_were_joined_are_sessions(self):
        other = Log(mode=0, vm="cpython").name(F, "py:other:1:c.py")
        other.stack([F]).end()
        result = report(demo().bytes() + other.bytes())
        self.assertEqual([s["vm"] for s in result["sessions"]],
                         ["toyvm", "cpython"])
        self.assertEqual(shares(result),
                         {**DEMO_SHARES, "other": (1000000, 1000000)})
        self.assertTrue(undamaged(result))

    def test_the_words_say_what_was_repaired(self):
        out = text("report", write(demo(period=0).bytes() + b"x"))
        self.assertIn("period of sampling is missing", out)
        self.assertIn("1 bytes behind the end were passed over", out)


class Cuts(unittest.TestCase):
    def test_a_log_cut_anywhere_is_read_up_to_there(self):
        data = demo().bytes()
        ends = []
        log = names(Log())
        for inner in ([(CODE, G)], [(CODE, G)], [(CODE, H)], [(CODE, G)], []):
            log.stack(pairs((CODE, F), *inner), thread=7)
            ends.append(len(log.data))
        for size in range(40, len(data), 1 if ALL else 4):
            with self.subTest(size=size):
                result = info(data[:size])
                self.assertEqual(result["counts"]["samples"],
                                 sum(end <= size for end in ends))
                self.assertFalse(result["sessions"][0]["ended"])

    def test_a_log_cut_in_a_record_says_so(self):
        log = names(Log()).stack(pairs((CODE, F)))
        good = len(log.data)
        for size in range(good + 1, good + 30, 3):
            data = log.data + demo().bytes()[len(names(Log()).data):]
            damage = info(data[:size])["damage"]
            self.assertEqual((damage["cut"], damage["first_offset"],
                              damage["bytes_unread"]),
                             (True, good, size - good))

    def test_a_cut_gzip_file_is_read_up_to_there(self):
        log = names(Log())
        for i in range(2000):
            log.stack(pairs((CODE, F), (CODE, 8 * i)), thread=i)
        packed = gzip.compress(log.end().bytes())
        result = info(packed[:len(packed) // 2])
        self.assertTrue(result["damage"]["cut"])
        self.assertGreater(result["counts"]["samples"], 100)

    def test_a_log_cut_in_its_first_words_is_an_error(self):
        for size in range(16, 40, 4):
            done = vmprof("info", write(demo().bytes()[:size]))
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"ends within the first words", done.stderr)

    def test_big_endian_logs_are_refused(self):
        for form in (">5q", ">5i"):
            done = vmprof("info", write(struct.pack(form, 0, 3, 0, 1, 0)))
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"big-endian", done.stderr)


class Harm(unittest.TestCase):
    """Lengths that lie, and files made to take time and memory."""

    def limited(self, data):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
            resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        sanitized = b"__asan_init" in open(VMPROF, "rb").read()
        done = vmprof("info", "--json", write(data),
                      preexec_fn=None if sanitized else limit)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_lengths_that_lie_cost_their_record_alone(self):
        begin = names(Log()).bytes()
        rest = demo().bytes()[len(begin):]
        for lie in (2**63 - 1, -1, 2**31, 2**24, 2**20):
            for record in (b"\1" + struct.pack("<qq", 1, lie),
                           b"\2" + struct.pack("<qq", 1, lie),
                           b"\x07" + struct.pack("<q", lie),
                           b"\x08" + struct.pack("<qq", 1, lie)):
                result = self.limited(begin + record + rest)
                self.assertEqual(result["counts"]["samples"], 5)
                self.assertEqual(result["damage"]["bytes_unread"],
                                 len(record))

    def test_stacks_deeper_than_the_window_are_kept(self):
        for depth in (65536, 65538, 200000):
            log = names(Log()).stack([CODE, F] * (depth // 2)).end()
            result = report(log.bytes())
            self.assertEqual(shares(result), {"f": (1000000, 1000000)})
            self.assertTrue(undamaged(result))

    def test_noise_costs_no_more_than_its_size(self):
        noise = random.Random(1)
        for data in (noise.randbytes(1 << 20), b"\1" * (1 << 20),
                     struct.pack("<Bqq", 1, 1, 1 << 20) * 60000,
                     bytes(noise.choice((0, 1, 2, 3, 7, 8))
                           for _ in range(1 << 18))):
            self.limited(Log().bytes() + data)

    def test_changed_bytes_never_stop_the_reader(self):
        data = demo(mode=PAIRS | MEMORY).bytes()
        for at in range(40, len(data), 1 if ALL else 4):
            for change in (0x55, 0x80):
                changed = bytearray(data)
                changed[at] ^= change
                self.limited(bytes(changed))

    def test_more_distinct_stacks_than_are_remembered(self):
        log = names(Log())
        once = bytearray()
        for i in range(140000):
            once += struct.pack("<B7q", 1, 1, 4, CODE, 8 + i * 8, CODE, F, 0)
        data = log.data + bytes(once) * 2
        result = self.limited(data)
        self.assertEqual(result["counts"]["samples"], 280000)
        self.assertEqual(result["counts"]["stacks"], 140001)


if __name__ == "__main__":
    tap.main()
