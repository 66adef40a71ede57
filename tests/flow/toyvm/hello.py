#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""hello, the least that a VM does to be profiled."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HELLO = pathlib.Path(sys.argv.pop(1)).resolve()
VMPROF = pathlib.Path(sys.argv.pop(1)).resolve()


def run(*command, directory):
    return subprocess.run(command, cwd=directory, capture_output=True,
                          text=True, timeout=120)


class Hello(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)

    def test_it_prints_one_line_and_leaves_that_profile(self):
        done = run(HELLO, directory=self.directory)
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        samples, size = map(int, re.fullmatch(
            r"(\d+) samples, (\d+) bytes\n", done.stdout).groups())
        self.assertGreater(samples, 20)
        self.assertEqual((self.directory / "hello.vmprof").stat().st_size,
                         size)

    def test_its_functions_have_the_shares_of_their_work(self):
        run(HELLO, directory=self.directory)
        done = run(VMPROF, "report", "--json", "hello.vmprof",
                   directory=self.directory)
        shares = {function["function"]: function["self_percent"]
                  for function in json.loads(done.stdout)["functions"]}
        self.assertAlmostEqual(shares["add"], 60, delta=5)
        self.assertAlmostEqual(shares["sum"], 40, delta=5)

    def test_it_says_why_it_cannot_write(self):
        (self.directory / "hello.vmprof").mkdir()
        done = run(HELLO, directory=self.directory)
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ("", "hello.vmprof: Is a directory\n", 1))


unittest.main()
