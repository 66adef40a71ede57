# SPDX-License-Identifier: MIT

"""What the toy VM tells of a program, held against what is expected."""

import unittest

from toyvm import run_source


class Events(unittest.TestCase):
    def told(self, kinds, source, *options, status=0):
        done = run_source(source, "-X", f"events={kinds}", *options)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr.splitlines()

    def expect(self, kinds, source, expected, *options, **settings):
        self.assertEqual(self.told(kinds, source, *options, **settings),
                         [line.strip() for line in
                          expected.strip().splitlines()])
