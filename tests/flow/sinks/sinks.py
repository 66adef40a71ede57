#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""sinks.py LOOP TOYVM PROGRAM: perf and gdb name compiled loops that they were
told of, and show their operations as their source."""

import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.append(str(pathlib.Path(__file__).parents[2] / "support"))
import tap

LOOP = str(pathlib.Path(sys.argv[1]).resolve())
NAME = "hot_loop_of_the_test"
TOYVM, PROGRAM = (str(pathlib.Path(path).resolve()) for path in sys.argv[2:4])
TOY_LOOP = "loop_1_half:7"


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

    def toyvm(self, *arguments):
        return (TOYVM, "-X", "jit=on", "-X", f"jit-sinks={self.where}",
                PROGRAM, *arguments)

    def record(self, *command):
        if not shutil.which("perf"):
            self.skipTest("there is no perf")
        said = self.run_tool("perf", "record", "-k", "mono", "-e",
                             "cpu-clock:u", "-F", "999", "-o", "perf.data",
                             *command)
        if not (self.where / "perf.data").exists() or "rror" in said:
            self.skipTest("perf cannot record here: " +
                          " ".join(said.split())[:100])
        self.assertTrue(list(self.where.glob("jit-*.dump")), said)

    def inject(self):
        said = self.run_tool("perf", "inject", "--jit", "-i", "perf.data",
                             "-o", "jit.data")
        if "ERROR" in said or not (self.where / "jit.data").exists():
            self.fail(said)

    def check_share(self, name, least):
        report = self.run_tool("perf", "report", "--stdio", "-i", "jit.data")
        share = re.search(rf"([\d.]+)%.*\[\.\] {name}", report)
        self.assertTrue(share, report)
        self.assertGreater(float(share.group(1)), least)

    def check_listing(self, name, *lines):
        """Each in this order, operations before their instructions."""
        listing = self.run_tool("perf", "annotate", "--stdio", "-i",
                                "jit.data", "-s", name)
        at = 0
        for line in lines:
            at = listing.find(line, at)
            self.assertGreaterEqual(at, 0, f"{line}: {listing}")

    def test_files_that_are_cut_fail_the_program_with_a_message(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))

        done = subprocess.run(self.toyvm("0.1"), preexec_fn=small_files,
                              timeout=120, text=True, capture_output=True)
        self.assertIn(f"not all traces are told of in {self.where}: ",
                      done.stderr)
        self.assertEqual(done.returncode, 1)

    def test_perf_shows_operations_between_instructions(self):
        self.record(LOOP, str(self.where), "run")
        self.inject()
        self.check_share(NAME, 50)
        self.check_listing(NAME, "int_add(i0, i1)", "add ", "int_mul(i1, 7)",
                           "imul", "int_sub(i1, 1)", "dec ")

    def test_perf_unwinds_through_the_loop(self):
        self.record("--call-graph", "dwarf,4096", LOOP, str(self.where), "run")
        self.inject()
        said = self.run_tool("perf", "script", "-i", "jit.data", "-F",
                             "ip,sym")
        stacks = [re.findall(r"^\s+[0-9a-f]+ (\S+)", stack, re.MULTILINE)
                  for stack in said.split("\n\n")]
        inside = [stack for stack in stacks if stack[:1] == [NAME]]
        through = [stack for stack in inside
                   if stack[1:3] == ["call_the_loop", "main"]]
        self.assertGreater(len(inside), 10, said[:2000])
        self.assertGreater(len(through), 0.9 * len(inside), said[:2000])

    def test_perf_shows_the_toy_vms_loop(self):
        self.record(*self.toyvm("0.5"))
        self.inject()
        self.check_share(TOY_LOOP, 30)
        self.check_listing(TOY_LOOP, "guard_type(s2, int)", "cmp",
                           "int_multiply(s2, s7)", "imul")

    def test_gdb_goes_through_the_toy_vms_loop(self):
        if not shutil.which("gdb"):
            self.skipTest("there is no gdb")
        said = self.run_tool("gdb", "-nx", "-batch", "-ex", "break do_poll",
                             "-ex", "run", "-ex", "bt", "--args",
                             *self.toyvm("0.1"))
        if not re.search(r"Breakpoint 1, (0x\w+ in )?do_poll", said):
            self.skipTest("gdb cannot run a program here: " +
                          " ".join(said.split())[-100:])
        self.assertRegex(said, rf"#1 .*{TOY_LOOP} \(\) at .*jit-\d+\.ops:\d+")
        self.assertRegex(said, r"#\d+ .* run_jit \(")
        self.assertRegex(said, r"#\d+ .*main \(")

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
