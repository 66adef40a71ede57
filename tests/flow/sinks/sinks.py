#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""sinks.py LOOP: perf and gdb name a compiled loop that they were told of, and
show its operations as its source."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.append(str(pathlib.Path(__file__).parents[2] / "support"))
import tap

LOOP = str(pathlib.Path(sys.argv[1]).resolve())
NAME = "hot_loop_of_the_test"


class Sinks(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="vmprof-sinks-")
        self.addCleanup(scratch.cleanup)
        self.where = pathlib.Path(scratch.name)

    def run_tool(self, *command):
        """Everything that it prints; tools keep files in the home directory."""
        return subprocess.run(
            command, cwd=self.where, timeout=120, text=True,
            env={**os.environ, "HOME": str(self.where), "LC_ALL": "C",
                 "DEBUGINFOD_URLS": ""},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

    def record(self):
        if not shutil.which("perf"):
            self.skipTest("there is no perf")
        said = self.run_tool("perf", "record", "-k", "mono", "-e",
                             "cpu-clock:u", "-F", "999", "-o", "perf.data",
                             LOOP, str(self.where), "run")
        if not (self.where / "perf.data").exists() or "rror" in said:
            self.skipTest("perf cannot record here: " +
                          " ".join(said.split())[:100])
        self.assertTrue(list(self.where.glob("jit-*.dump")), said)

    def test_perf_shows_operations_between_instructions(self):
        self.record()
        said = self.run_tool("perf", "inject", "--jit", "-i", "perf.data",
                             "-o", "jit.data")
        if "ERROR" in said or not (self.where / "jit.data").exists():
            self.fail(said)
        report = self.run_tool("perf", "report", "--stdio", "-i", "jit.data")
        share = re.search(rf"([\d.]+)%.*\[\.\] {NAME}", report)
        self.assertTrue(share, report)
        self.assertGreater(float(share.group(1)), 50)
        listing = self.run_tool("perf", "annotate", "--stdio", "-i",
                                "jit.data", "-s", NAME)
        # Each before its instruction.
        where = [listing.find(text) for text in
                 ("int_add(i0, i1)", "add ", "int_mul(i1, 7)", "imul",
                  "int_sub(i1, 1)", "dec ")]
        self.assertNotIn(-1, where, listing)
        self.assertEqual(where, sorted(where), listing)

    def test_gdb_shows_the_loop_and_who_called_it(self):
        if not shutil.which("gdb"):
            self.skipTest("there is no gdb")
        said = self.run_tool("gdb", "-nx", "-batch", "-ex", "run", "-ex", "bt",
                             "-ex", "info line *$pc", "--args", LOOP,
                             str(self.where), "trap")
        if "SIGTRAP" not in said:
            self.skipTest("gdb cannot run a program here: " +
                          " ".join(said.split())[-100:])
        self.assertRegex(said, rf"#0 .*{NAME} \(\) at .*jit-\d+\.ops:5")
        self.assertRegex(said, r"#1 .*call_the_loop")
        self.assertRegex(said, r"#2 .*main")
        self.assertIn("i3 = int_mul(i1, 7)", said)
        self.assertIn('Line 5 of "', said)

    def test_the_map_has_its_address_and_a_clean_name(self):
        subprocess.run([LOOP, str(self.where), "register"], check=True)
        (path,) = self.where.glob("perf-*.map")
        self.assertRegex(path.read_text(), rf"\A[0-9a-f]+ 18 {NAME}\n\Z")
        for path in self.where.iterdir():
            self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)


if __name__ == "__main__":
    tap.main()
