#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Run the programs of language/ and compare what they print with what their
comments say: each "#=" is a line of output."""

import re
import unittest

from toyvm import HERE, PROGRAMS, run, run_source


def expected_output(program):
    lines = program.read_text().splitlines()
    found = (re.search(r"#= ?(.*)$", line) for line in lines)
    return [match.group(1) for match in found if match]


class Language(unittest.TestCase):
    def test_the_page_about_the_language_is_right(self):
        page = (PROGRAMS.parent / "README.md").read_text()
        program = re.search(r"^## The language\n\n```\n(.*?)^```", page,
                            re.M | re.S).group(1)
        done = run_source(program)
        self.assertEqual(done.stdout.splitlines(), [
            "0 42", "1 two", "3 true", "4 <fn area>", "7", "0 1 end true",
            "144"])
        self.assertEqual((done.stderr, done.returncode), ("", 0))


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
