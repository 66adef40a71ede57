#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Type rows in files that are damaged, cut or lie."""

import random
import unittest

from common import (ADD, ALL, INT, SLOW, info, profile, site, sites, tap, text,
                    types, vmprof, vmprof_file, write)
import vmprof_log

ROWS = [site(2, (i, 1), 11, ADD, 77, tuples=[((INT, INT), 3)])
        for i in range(5)]


def session(*chunks):
    """A session of these chunks: (type, payload)."""
    s = vmprof_file.Session()
    s.codes([(2, "toy:work:10:demo.toy")])
    s.words(1, ["int", "float", "str", "ADD"])
    for kind, payload in chunks:
        s.put(kind, payload)
    s.end(100)
    return s.bytes()


def sites_chunk(payload):
    return session((vmprof_file.SITES, payload),
                   (vmprof_file.SITES, HEAD + b"\1" + ROWS[0]))


HEAD = b"\1\0\1\0"
HUGE = vmprof_file.varint(2 ** 64 - 1)


class Damage(unittest.TestCase):
    def test_names_that_are_lost_are_unknown_and_counted(self):
        s = vmprof_file.Session()
        s.codes([(2, "toy:work:10:demo.toy")])
        s.number += 1  # the words
        s.sites(ROWS[:1])
        data = s.bytes()
        (row,) = sites(data)
        self.assertEqual(row["tuples"][0]["types"], ["[unknown]"] * 2)
        self.assertEqual(row["opcode_name"], "[unknown]")
        self.assertEqual(info(data)["damage"]["words_unknown"], 3)
        self.assertIn("3 names of types or opcodes were lost",
                      text("types", write(data)))

    def test_codes_that_are_lost_stay_apart(self):
        data = session((vmprof_file.SITES, HEAD + b"\2" + b"".join(
            site(code, (1, 1), None, ADD, None, tuples=[((INT,), code)])
            for code in (8, 9))))
        self.assertEqual(sorted(row["hits"] for row in sites(data)), [8, 9])
        self.assertEqual({f["function"] for f in types(data)["functions"]},
                         {"[unknown]"})

    def test_a_row_that_is_cut_costs_what_is_behind_it(self):
        for cut in range(len(ROWS[2])):
            data = sites_chunk(HEAD + b"\3" + ROWS[1] + ROWS[2][:cut])
            self.assertEqual([row["offset"] for row in sites(data)], [0, 1])
            self.assertGreater(info(data)["damage"]["bytes_unread"], 0)

    def test_bytes_behind_the_rows_are_damage(self):
        data = sites_chunk(HEAD + b"\1" + ROWS[1] + b"\0")
        self.assertEqual([row["offset"] for row in sites(data)], [0, 1])
        self.assertGreater(info(data)["damage"]["bytes_unread"], 0)

    def test_numbers_that_lie_cost_no_memory(self):
        row = b"\2\1\7\1\0\0\0"
        for name, payload in (
                ("rows", HEAD + HUGE),
                ("tuples", HEAD + b"\1" + row + HUGE),
                ("operands", HEAD + b"\1" + row + b"\1" + HUGE),
                ("nine operands", HEAD + b"\1" + row + b"\1\x09" +
                 b"\1" * 10),
                ("bits", HEAD + b"\1\2" + HUGE)):
            with self.subTest(name):
                data = sites_chunk(payload)
                self.assertEqual([r["offset"] for r in sites(data)], [0])
        words = session((vmprof_file.WORDS, b"\5" + HUGE + b"\3abc" + HUGE),
                        (vmprof_file.SITES, HEAD + b"\1" + ROWS[0]))
        self.assertEqual(len(sites(words)), 1)

    def test_a_file_cut_anywhere_is_read_up_to_there(self):
        data = profile(ROWS[:2], ROWS[2:4], ROWS[4:])
        seen = set()
        for size in range(24, len(data), 1 if ALL or not SLOW else 4):
            done = vmprof("types", "--ndjson", write(data[:size]))
            self.assertIn(done.returncode, (0, 1), done.stderr)
            if done.returncode == 0:
                seen.add(done.stdout.count(b"\n"))
        self.assertEqual(seen, {2, 4, 5})

    def test_why_there_are_no_rows(self):
        data = profile(ROWS[:2])
        missing = vmprof_file.Session()
        missing.codes([(2, "toy:work:10:demo.toy")])
        unended = missing.bytes()
        missing.number += 1  # the rows
        missing.end(100)
        for why, content in (
                (b"it is damaged", data[:data.rindex(ROWS[0]) + 2]),
                (b"it is damaged", missing.bytes()),
                (b"it has no end", unended),
                (b"a vmprof log holds none", vmprof_log.Log().data),
                (b"did not have its bytecodes profiled", session())):
            with self.subTest(why):
                done = vmprof("types", write(content))
                self.assertEqual(done.returncode, 1)
                self.assertIn(why, done.stderr)

    def test_a_changed_byte_does_no_harm(self):
        data = bytearray(vmprof_file.types_demo().bytes())
        source = random.Random(5)
        for _ in range(60):
            changed = bytearray(data)
            changed[source.randrange(len(data))] ^= 1 << source.randrange(8)
            for arguments in (["types"], ["types", "--ndjson"]):
                done = vmprof(*arguments, write(changed))
                self.assertIn(done.returncode, (0, 1), done.stderr)

    def test_payloads_of_chance_do_no_harm(self):
        source = random.Random(6)
        for _ in range(60):
            payload = bytes(min(255, int(source.expovariate(0.2)))
                            for _ in range(source.randrange(300)))
            data = session((source.choice([vmprof_file.WORDS,
                                           vmprof_file.SITES]), payload),
                           (vmprof_file.SITES, HEAD + b"\1" + ROWS[0]))
            done = vmprof("types", "--json", write(data))
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_many_tuples_of_one_site_are_summed_in_time(self):
        """Each is found by what it is, not by looking at all others."""
        s = vmprof_file.Session()
        s.codes([(2, "toy:work:10:demo.toy")])
        for first in range(0, 60000, 2000):
            s.words(first + 1, [f"t{first + i}" for i in range(2000)])
            s.sites([site(2, (1, 1), tuples=[
                ((first + i + j,), 1) for j in range(1, 65)])
                for i in range(0, 2000, 50)], time=first)
        (row,) = sites(s.bytes())
        self.assertEqual(row["hits"], 30 * 40 * 64)
        text("diff", write(s.bytes()), write(s.bytes()))


if __name__ == "__main__":
    tap.main()
