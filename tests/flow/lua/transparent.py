#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Programs do the same whether they are sampled or not: what they print, what
they complain of, how they end."""

import pathlib
import tempfile
import unittest

from lua import HERE, LUA, SLOW, run

INTERVALS = (0.001,) if SLOW else (0.001, 0.0001)


class Transparent(unittest.TestCase):
    def check(self, *arguments):
        plain = run(LUA, "-e", "", *arguments)
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "profile"
            for interval in INTERVALS:
                start = (f"require'vmprof'.start{{file='{file}', "
                         f"interval={interval}}}")
                sampled = run(LUA, "-e", start, *arguments)
                self.assertEqual(sampled.stdout, plain.stdout)
                self.assertEqual(sampled.stderr, plain.stderr)
                self.assertEqual(sampled.returncode, plain.returncode)
                self.assertGreater(file.stat().st_size, 100)

    def check_with_tools(self, *arguments):
        """The same with a tool that wants all events, and sampled besides."""
        plain = run(LUA, "-e", "", *arguments)
        tool = f"dofile '{HERE / 'tools.lua'}'"
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "profile"
            start = f"require'vmprof'.start{{file='{file}'}}"
            orders = (f"{tool} {start}", f"{start} {tool}", tool)
            for code in orders[:None if SLOW else 1]:
                done = run(LUA, "-e", code, *arguments)
                self.assertEqual(done.stdout, plain.stdout)
                self.assertEqual(done.stderr, plain.stderr)
                self.assertEqual(done.returncode, plain.returncode)

    def test_tools_disturb_no_coroutines(self):
        self.check_with_tools(HERE / "coroutines.lua")

    def test_hooks_of_the_program_see_the_same_beside_tools(self):
        self.check_with_tools(HERE / "hooks.lua")

    def test_each_call_of_the_programs_hook_is_the_same_beside_tools(self):
        done = run(LUA, HERE / "own_hook.lua")
        self.assertEqual(done.returncode, 0)
        self.assertGreater(done.stdout.count("\n"), 500)
        tool = f"dofile '{HERE / 'tools.lua'}'"
        with_tools = run(LUA, "-e", tool, HERE / "own_hook.lua")
        self.assertEqual(with_tools.stdout, done.stdout)
        self.assertEqual(with_tools.stderr, done.stderr)

    def test_errors_and_exits_are_the_same_beside_tools(self):
        self.check_with_tools("-e", "local function f() error('end') end f()")
        self.check_with_tools(
            "-e", "coroutine.wrap(function() error('end') end)()")
        self.check_with_tools(
            "-e", "coroutine.wrap(function() os.exit(7, true) end)()")

    def test_coroutines_do_the_same(self):
        self.check(HERE / "coroutines.lua")

    def test_hooks_of_the_program_see_the_same(self):
        self.check(HERE / "hooks.lua")

    def test_errors_that_end_the_program_read_the_same(self):
        self.check("-e", "local function f() error('end') end f()")
        self.check("-e", "coroutine.wrap(function() error('end') end)()")
        self.check("-e", "coroutine.resume()")

    def test_exits_are_the_same(self):
        self.check("-e", "os.exit(7)")
        self.check("-e", "os.exit(7, true)")
        self.check("-e", "coroutine.wrap(function() os.exit(7, true) end)()")

    def test_finalizers_run_when_the_state_is_closed(self):
        self.check("-e", "setmetatable({}, {__gc = function() local co = "
                         "coroutine.wrap(function() print(coroutine."
                         "running()  ~= nil) end) co() end})")


if __name__ == "__main__":
    unittest.main()
