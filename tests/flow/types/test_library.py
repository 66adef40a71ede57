#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_library.py VMPROF PROGRAM: what the library writes of a program whose
bytecodes are known, and what the command makes of its file."""

import json
import os
import subprocess
import sys
import unittest

from common import DEADLINE, path, tap, text

PROGRAM = os.path.abspath(sys.argv[2])
ORIGIN = ["--host", "h1", "--service", "web"]


def record(period):
    """What the program printed; its file is at path("program.vmprof")."""
    return subprocess.run([PROGRAM, path("program.vmprof"), str(period)],
                          stdout=subprocess.PIPE, timeout=DEADLINE,
                          check=True).stdout.decode()


class Library(unittest.TestCase):
    def test_both_write_the_same_rows(self):
        for period in (1, 3, 7, 33):
            with self.subTest(period):
                printed = record(period)
                self.assertEqual(printed, text(
                    "types", "--ndjson", *ORIGIN, path("program.vmprof")))
                self.assertEqual(printed.count('"normvector"'), 7)

    def test_every_bytecode_is_counted_at_period_1(self):
        record(1)
        shown = json.loads(text("types", "--json", path("program.vmprof")))
        f, g = sorted(shown["functions"], key=lambda row: row["function"])
        self.assertEqual((f["function"], f["code_hash"], f["line"], f["hits"]),
                         ("f", 2 ** 64 - 6, 10, 30000))
        self.assertEqual((g["function"], g["file"], g["hits"]),
                         ("g:h", "", 10000))
        self.assertNotIn("code_hash", g)
        rows = {row["offset"]: row for row in f["sites"]}
        self.assertEqual(
            {offset: (row["kind"], row["line"], row["opcode_name"],
                      row["hits"], row["typed"])
             for offset, row in rows.items()},
            {0: ("monomorphic", 10, "LOAD", 10000, 10000),
             4: ("polymorphic", 11, "ADD", 10000, 10000),
             8: ("untyped", 12, "JUMP", 10000, 0),
             40: ("unseen", 20, "ADD", 0, 0)})
        self.assertEqual(
            [(t["types"], t["hits"]) for t in rows[4]["tuples"]],
            [(["int", "int"], 9000), (["<NULL>", "int"], 500),
             (["a \"text\"", "int"], 500)])
        (unnamed,) = [row for row in g["sites"] if row["hits"]]
        self.assertEqual(unnamed["opcode"], 3)
        self.assertNotIn("opcode_name", unnamed)

    def test_hits_are_scaled_by_the_period(self):
        record(100)  # and the loop has 4, so that one bytecode has all hits
        summary = json.loads(text("types", "--json", path("program.vmprof")))[
            "summary"]
        self.assertEqual((summary["hits"], summary["bytecodes"]),
                         (400, 40000))


if __name__ == "__main__":
    tap.main()
