#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""jit_damaged.py VMPROF HARNESS: logs that are cut and changed everywhere."""

import os
import re
import subprocess
import sys
import unittest

from command import DEADLINE, tap, write
from jit_files import PLAN, jitlog, pypylog

HARNESS = os.path.abspath(sys.argv[2])


class Damage(unittest.TestCase):
    def run_on(self, data, name):
        done = subprocess.run([HARNESS, write(data, name)], timeout=DEADLINE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        found = re.fullmatch(r"(\d+) cuts, (\d+) read, (\d+) said\n"
                             r"(\d+) changes, (\d+) read\n",
                             done.stdout.decode())
        self.assertTrue(found, done.stdout)
        return map(int, found.groups())

    def test_a_jitlog_cut_or_changed_anywhere_is_no_disaster(self):
        for address in (8, 4):
            data = jitlog(address=address).data
            cuts, read, said, changes, changed = self.run_on(data, "a.jitlog")
            self.assertEqual((cuts, changes), (len(data), len(data)))
            self.assertGreater(read, cuts - 40)
            # Between two records a cut does not show.
            self.assertGreater(said, cuts * 0.9)
            self.assertGreater(changed, changes * 0.9)

    def test_a_pypylog_cut_or_changed_anywhere_is_no_disaster(self):
        for data in (pypylog().encode(), PLAN):
            cuts, read, said, changes, changed = self.run_on(data, "a.log")
            self.assertEqual((cuts, changes), (len(data), len(data)))
            self.assertGreater(read, cuts - 40)
            self.assertGreater(said, cuts * 0.9)
            self.assertGreater(changed, changes * 0.9)


if __name__ == "__main__":
    tap.main()
