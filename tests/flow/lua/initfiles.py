#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""vmprof record uses LUA_INIT_5_4: what the user has there, or in LUA_INIT,
runs as it does without it."""

import pathlib
import re
import tempfile
import unittest

from lua import LUA, VMPROF, record_lua, run

PROGRAM = "print(seen, ...)"


class Init(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.program = self.directory / "program.lua"
        self.program.write_text(PROGRAM)

    def check(self, **variables):
        """Returns what the program says, plain; recorded must be the same."""
        command = [LUA, self.program, "argument"]
        plain = run(*command, **variables)
        recorded = run(VMPROF, "record", "-o", self.directory / "profile",
                       "--", *command, **variables)
        self.assertEqual(recorded.stdout, plain.stdout)
        self.assertEqual(recorded.returncode, plain.returncode)
        return plain, recorded

    def test_nothing_set_is_nothing_run(self):
        plain, _ = self.check()
        self.assertEqual(plain.stdout, "nil\targument\n")

    def test_code_in_either_variable_runs(self):
        code = "seen = 'a \"quoted\" \\\\ and\\n\u00e9'"
        for variable in ("LUA_INIT", "LUA_INIT_5_4"):
            plain, _ = self.check(**{variable: code})
            self.assertIn("quoted", plain.stdout)

    def test_of_both_variables_the_versioned_one_runs(self):
        plain, _ = self.check(LUA_INIT="seen = 1", LUA_INIT_5_4="seen = 2")
        self.assertEqual(plain.stdout, "2\targument\n")

    def test_an_empty_variable_hides_the_other(self):
        plain, _ = self.check(LUA_INIT="seen = 1", LUA_INIT_5_4="")
        self.assertEqual(plain.stdout, "nil\targument\n")

    def test_a_file_runs(self):
        file = self.directory / "init file.lua"
        file.write_text("seen = 'a file'")
        plain, _ = self.check(LUA_INIT=f"@{file}")
        self.assertEqual(plain.stdout, "a file\targument\n")

    def test_code_that_fails_stops_the_program_and_says_so(self):
        for code in ("error('no')", "x x", "@/nowhere/init.lua"):
            plain, recorded = self.check(LUA_INIT=code)
            self.assertEqual(plain.returncode, 1)
            first = plain.stderr.splitlines()[0]
            self.assertIn(first, recorded.stderr.splitlines())

    def test_programs_that_the_program_starts_are_recorded_too(self):
        profile, _ = record_lua(
            f"os.execute('{LUA} -e \"for i = 1, 3e7 do end\"')")
        self.assertEqual(len(profile.report["sessions"]), 2)

    def test_recording_within_a_recording_runs_the_init_once(self):
        inner = self.directory / "inner"
        _, done = record_lua(
            f"os.execute('{VMPROF} record -o {inner} -- {LUA} -e \"\"')",
            LUA_INIT="print('init')")
        self.assertEqual(done.stdout.count("init"), 2)

    def test_a_module_named_vmprof_of_the_program_is_its_own(self):
        (self.directory / "vmprof.lua").write_text("return 'its own'")
        profile, done = record_lua(
            "print(require 'vmprof')",
            LUA_PATH=f"{self.directory}/?.lua", LUA_CPATH_5_4="")
        self.assertIn("its own", done.stdout)

    def test_a_recorded_program_can_require_the_module(self):
        _, done = record_lua(
            "print(require('vmprof').stats().enabled) "
            "print(pcall(require('vmprof').start, {file = '/dev/null'}))",
            LUA_CPATH_5_4="")
        self.assertIn("true\nfalse\tprofiling is already on", done.stdout)

    def test_events_are_recorded_from_the_beginning(self):
        self.program.write_text("local function work(n)\n"
                                "    if n == 0 then error('end') end\n"
                                "    work(n - 1)\n"
                                "    return n\n"
                                "end\n"
                                "pcall(work, 10)\n")
        done = run(VMPROF, "record", "--events", "call,unwind", "-o",
                   self.directory / "profile", "--", LUA, self.program)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = run(VMPROF, "events", self.directory / "profile").stdout
        for event in ("call", "unwind"):
            self.assertEqual(len(re.findall(rf"\b{event} .* work \(", told)),
                             11, told)


if __name__ == "__main__":
    unittest.main()
