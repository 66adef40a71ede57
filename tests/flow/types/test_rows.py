#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof types --ndjson: the columns of doc/format.md."""

import random
import subprocess
import unittest


from common import (ADD, INT, VMPROF, profile, rows, site, tap, text, types,
                    vmprof, vmprof_file, write)

DEMO = vmprof_file.types_demo().bytes()
ORIGIN = ["--host", "h1", "--service", "web", "--service-version", "1.2"]


def random_profile(source):
    """Sites of all forms, with bytecodes that no period divides."""
    made = []
    for offset in range(20):
        tuples = [((word,), source.randrange(1, 9 ** source.randrange(1, 12)))
                  for word in range(1, source.randrange(2, 5))]
        hits = sum(count for _, count in tuples)
        other, untyped = source.randrange(9), source.randrange(9)
        made.append(site(source.choice([0, 1, 2]) or 2, (offset, 1), 3, ADD,
                         7, tuples=tuples, other=other, untyped=untyped,
                         bytecodes=hits + other + untyped +
                         source.randrange(10 ** source.randrange(1, 18))))
    return profile(made)


class Rows(unittest.TestCase):
    def test_a_row_has_these_columns(self):
        shown = text("types", "--ndjson", *ORIGIN, write(DEMO)).splitlines()
        self.assertIn(
            '{"normal":{"func_qualname":"work","filename":"demo.toy",'
            '"opname":"ADD","host":"h1","service":"web","version":"1.2"},'
            '"int":{"count":812,"bytecodes":81200,"code_hash":77,'
            '"firstlineno":10,"lineno":11,"bc_offset":5},'
            '"normvector":{"types":["int","int"]}}', shown)
        self.assertIn(
            '{"normal":{"func_qualname":"work","filename":"demo.toy",'
            '"host":"h1","service":"web","version":"1.2"},'
            '"int":{"count":300,"bytecodes":30000,"code_hash":77,'
            '"firstlineno":10}}', shown)
        self.assertIn(
            '{"normal":{"func_qualname":"leaf","filename":"lib:one.toy",'
            '"opname":"<7>"},"int":{"count":10,"bytecodes":1000,'
            '"firstlineno":20,"bc_offset":4},"normvector":{"types":["int"]}}',
            text("types", "--ndjson", write(DEMO)).splitlines())

    def test_hits_without_types_are_a_row_of_their_code(self):
        untyped = [row for row in rows(DEMO) if "normvector" not in row]
        self.assertEqual(
            [(row["normal"].get("func_qualname"), row["int"]["count"])
             for row in untyped], [(None, 7), ("work", 300), ("leaf", 6)])

    def test_what_found_no_room_is_other(self):
        (other,) = [row for row in rows(DEMO)
                    if row.get("normvector", {}).get("types") == ["<other>"]]
        self.assertEqual((other["int"]["count"], other["int"]["bytecodes"]),
                         (20, 2000))
        (missing,) = [row for row in rows(DEMO)
                      if "<NULL>" in row.get("normvector", {}).get("types", ())]
        self.assertEqual(missing["normvector"]["types"], ["int", "<NULL>"])

    def test_sites_that_were_not_hit_have_no_row(self):
        self.assertFalse([row for row in rows(DEMO)
                          if row["normal"].get("opname") == "CALL"])

    def test_rows_add_up_to_the_profile(self):
        source = random.Random(7)
        for attempt in range(20):
            data = random_profile(source)
            summary, found = types(data)["summary"], rows(data)
            self.assertEqual(sum(r["int"]["count"] for r in found),
                             summary["hits"])
            scaled = sum(r["int"]["bytecodes"] for r in found)
            # A row is rounded down.
            self.assertLessEqual(scaled, summary["bytecodes"])
            self.assertLessEqual(summary["bytecodes"] - scaled, len(found))

    def test_a_pattern_chooses_functions(self):
        self.assertEqual({row["normal"].get("func_qualname")
                          for row in rows(DEMO, "-f", "le*")}, {"leaf"})

    def test_names_are_ascii_on_one_line(self):
        name = 'a"\\\n\x7f\u00e9\u2028\U0001f600'.encode() + b"\xff"
        data = profile([site(2, (5, 1), None, None, None,
                             tuples=[((1,), 1)])],
                       words=[name], codes=[(2, b"toy:" + name + b":0:")])
        shown = vmprof("types", "--ndjson", write(data)).stdout
        self.assertTrue(shown.isascii())
        self.assertEqual(shown.count(b"\n"), 1)
        (row,) = rows(data)
        wanted = name[:-1].decode() + "\ufffd"
        self.assertEqual(row["normal"],
                         {"func_qualname": wanted, "opname": "<1>"})
        self.assertEqual(row["normvector"]["types"], [wanted])
        self.assertEqual(row["int"],
                         {"count": 1, "bytecodes": 1, "bc_offset": 5})

    def test_large_numbers_keep_every_digit(self):
        data = profile([site(2, (2 ** 63, 1), 2 ** 32 - 1, None, 2 ** 64 - 1,
                             tuples=[((INT,), 2 ** 60 + 1)])])
        (row,) = rows(data)
        self.assertEqual(row["int"], {
            "count": 2 ** 60 + 1, "bytecodes": 2 ** 60 + 1, "firstlineno": 10,
            "code_hash": 2 ** 64 - 1, "lineno": 2 ** 32 - 1,
            "bc_offset": 2 ** 63})

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [VMPROF, "types", "--ndjson", write(DEMO)],
                stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write the output", done.stderr)


if __name__ == "__main__":
    tap.main()
