#!/usr/bin/env python3
"""interposed.py HANDLER_RUNS FORBID_SO COUNT TOYVM PROGRAMS LUA CPATH SIGNAL...

Programs run with FORBID_SO around their handlers, which ends those whose
handler allocates, locks, writes or loads. All in all the handlers run COUNT
times at least. "-" stands for a program that is not there.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import tap  # noqa: E402

HANDLER_RUNS, FORBID_SO, COUNT, TOYVM, PROGRAMS, LUA, CPATH, *SIGNAL = \
    sys.argv[1:]
COUNT = int(COUNT)
PLANTED = ("malloc", "free", "mmap", "pthread_mutex_lock", "printf", "write",
           "dlopen")

LUA_PROGRAM = """
local vmprof = require "vmprof"
vmprof.start{ file = arg[1], interval = 0.0001 }
local function leaf(i) return i % 7 + #tostring(i) end
local function inner(i) return leaf(i) + leaf(i + 1) end
local sum = 0
for i = 1, 400000 do sum = sum + inner(i) end
local generator = coroutine.wrap(function()
    for i = 1, 100000 do coroutine.yield(inner(i)) end
end)
for _ = 1, 100000 do sum = sum + generator() end
vmprof.stop()
"""


class Interposed(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)
        self.counter = self.path / "count"
        self.counter.write_bytes(bytes(8))

    def count(self):
        return int.from_bytes(self.counter.read_bytes(), sys.byteorder)

    def start(self, *command, **settings):
        environment = dict(os.environ, LD_PRELOAD=FORBID_SO,
                           FORBID_COUNT=str(self.counter), **settings)
        return subprocess.run([str(part) for part in command], text=True,
                              capture_output=True, env=environment,
                              timeout=COUNT / 1000 + 300)

    def run_well(self, *command, **settings):
        """Run a program to its good end; return how often its handlers ran."""
        before = self.count()
        done = self.start(*command, **settings)
        said = done.stdout[-2000:] + done.stderr[-2000:]
        self.assertNotIn("forbid:", done.stderr, command)
        self.assertEqual(done.returncode, 0, f"{command}\n{said}")
        return self.count() - before

    def report(self, what, runs):
        print(f"# {what}: the handler ran {runs} times")

    def test_a_handler_calls_nothing_that_is_forbidden(self):
        runs = self.run_well(HANDLER_RUNS, COUNT)
        self.report("signals that a program sends itself", runs)
        self.assertGreaterEqual(runs, COUNT)

    def test_nor_do_handlers_in_the_toy_vm(self):
        if TOYVM == "-":
            self.skipTest("there is no toy VM")
        # It polls, so that signals are rare.
        for name in ("threads", "coroutines", "exceptions", "objects"):
            runs = tries = 0
            while runs <= 20 and tries < 20:
                runs += self.run_well(
                    TOYVM, "--profile", self.path / "profile", "--interval",
                    "0.0001", pathlib.Path(PROGRAMS) / (name + ".toy"))
                tries += 1
            self.report(f"toy VM, {name}, {tries} times", runs)
            self.assertGreater(runs, 20, name)

    def test_nor_do_handlers_in_the_lua_shim(self):
        if LUA == "-":
            self.skipTest("there is no Lua")
        program = self.path / "program.lua"
        program.write_text(LUA_PROGRAM)
        runs = self.run_well(LUA, program, self.path / "profile",
                             LUA_CPATH_5_4=CPATH)
        self.report("Lua", runs)
        self.assertGreater(runs, 100)

    def test_nor_do_handlers_in_the_signal_tests(self):
        for program in SIGNAL:
            runs = self.run_well(program)
            self.report(pathlib.Path(program).name, runs)
        self.assertGreater(self.count(), 100)

    def test_a_planted_call_is_caught(self):
        for name in PLANTED:
            with self.subTest(name):
                done = self.start(HANDLER_RUNS, 1000, name)
                self.assertEqual(done.returncode, -signal.SIGABRT, done.stderr)
                self.assertIn(f"forbid: {name}() in a signal handler",
                              done.stderr)


if __name__ == "__main__":
    tap.main()
