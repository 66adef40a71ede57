#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Run the programs of language/ and compare what they print with what their
comments say: each "#=" is a line of output."""

import re
import unittest

from toyvm import HERE, run


def expected_output(program):
    lines = program.read_text().splitlines()
    found = (re.search(r"#= ?(.*)$", line) for line in lines)
    return [match.group(1) for match in found if match]


class Language(unittest.TestCase):
    pass


def add_test(program):
    def test(self):
        done = run(program)
        self.assertEqual(done.stdout.splitlines(), expected_output(program))
        self.assertEqual((done.stderr, done.returncode), ("", 0))

    setattr(Language, f"test_{program.stem}_mean_what_they_say", test)


programs = sorted(HERE.glob("language/*.toy"))
assert programs, "no programs found"
for path in programs:
    add_test(path)
unittest.main()
