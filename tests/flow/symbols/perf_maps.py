#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Machine code of JIT compilers, named by /tmp/perf-PID.map."""

import json
import os
import pathlib
import unittest

from machine_code import recording, tap, text, vmprof

# No process has it: the kernel's are smaller.
PID = 4200000000 + os.getpid() % 1000
MAP = pathlib.Path(f"/tmp/perf-{PID}.map")


class PerfMaps(unittest.TestCase):
    def tearDown(self):
        if MAP.is_symlink() or MAP.exists():
            MAP.unlink()

    def rows(self, addresses):
        done = vmprof("report", "--json", recording(None, addresses, pid=PID))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.said = done.stderr.decode()
        return {row["function"]: row
                for row in json.loads(done.stdout)["functions"]}

    def test_an_address_has_the_name_that_the_map_gives(self):
        MAP.write_text("7f0000001000 40 lua:fib\n7f0000001040 10 a b::c(d)\n")
        rows = self.rows([0x7f0000001000, 0x7f000000103f, 0x7f0000001040,
                          0x7f0000001050])
        self.assertEqual(rows["lua:fib"]["samples"], 2)
        self.assertEqual(rows["lua:fib"]["language"], "jit")
        self.assertEqual(rows["a b::c(d)"]["samples"], 1)
        self.assertEqual(rows["0x7f0000001050"]["samples"], 1)

    def test_the_last_line_counts_where_memory_was_used_again(self):
        MAP.write_text("1000 100 old\n1040 20 new\n")
        rows = self.rows([0x1010, 0x1050, 0x1070])
        self.assertEqual(rows["old"]["samples"], 2)
        self.assertEqual(rows["new"]["samples"], 1)

    def test_no_map_is_no_mistake(self):
        self.assertEqual(set(self.rows([0x1000])), {"0x1000"})
        self.assertEqual(self.said, "")

    def test_lines_of_another_form_are_passed_over(self):
        MAP.write_bytes(b"\0\xff\n\nx y z\n1000 0 empty\n1000 10\n1000 10 \n"
                        b"ffffffffffffffff 10 wraps\n-1 10 negative\n" +
                        b"z" * 300000 + b"\n2000 10 " + b"n" * 200000 +
                        b"\n3000 10 good\xff\n4000 10 unfinished")
        rows = self.rows([0x1000, 0x3000, 0x4000, 2 ** 64 - 1])
        self.assertIn("0x1000", rows)
        self.assertIn("unfinished", rows)
        self.assertEqual(len(rows), 4)

    def test_a_link_is_not_followed(self):
        target = MAP.with_suffix(".elsewhere")
        target.write_text("1000 10 evil\n")
        self.addCleanup(target.unlink)
        MAP.symlink_to(target)
        self.assertEqual(set(self.rows([0x1000])), {"0x1000"})
        self.assertRegex(self.said, "symbolic link")

    def test_only_a_plain_file_is_read(self):
        os.mkfifo(MAP)
        self.assertEqual(set(self.rows([0x1000])), {"0x1000"})
        self.assertRegex(self.said, "not a regular file")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_a_map_of_another_user_is_not_believed(self):
        MAP.write_text("1000 10 evil\n")
        os.chown(MAP, 12345, 12345)
        self.assertEqual(set(self.rows([0x1000])), {"0x1000"})
        self.assertRegex(self.said, "another user")

    def test_no_native_leaves_it_out(self):
        MAP.write_text("1000 10 jitted\n")
        shown = text("report", "--no-native",
                     recording(None, [0x1000], pid=PID))
        self.assertNotIn("jitted", shown)


if __name__ == "__main__":
    tap.main()
