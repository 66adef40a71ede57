#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""The probes that are in the library, and a tracer at them. Arguments: the
library, a program that fires events."""

import re
import shutil
import subprocess
import sys
import unittest

LIBRARY, PROGRAM = sys.argv[1:3]
del sys.argv[1:3]
PROBES = ["call", "return", "unwind", "gc__start", "gc__end", "jit__compiled",
          "jit__entered", "jit__left"]


def run(*command):
    return subprocess.run(command, text=True, capture_output=True, timeout=120)


def debug(*commands):
    arguments = [word for command in commands for word in ("-ex", command)]
    return run("gdb", "-nx", "-batch", "-ex", "set debuginfod enabled off",
               "-ex", "set breakpoint pending on", *arguments, PROGRAM)


def can_debug():
    return shutil.which("gdb") and "[Inferior 1" in debug("run").stdout


class Usdt(unittest.TestCase):
    def test_each_probe_has_four_arguments_and_a_count_of_tracers(self):
        notes = run("readelf", "-n", LIBRARY).stdout
        found = re.findall(r"Provider: vmprof\s+Name: (\S+)\s+Location: .*"
                           r"Semaphore: (0x[0-9a-f]+)\s+Arguments: (.*)", notes)
        self.assertEqual(sorted(name for name, _, _ in found), sorted(PROBES))
        for name, semaphore, arguments in found:
            self.assertNotEqual(int(semaphore, 16), 0, name)
            self.assertEqual(arguments.count("@"), 4, name)

    def test_no_symbol_of_the_probes_is_exported(self):
        symbols = run("nm", "-D", "--defined-only", LIBRARY).stdout
        self.assertIn("vmprof_fire_event", symbols)
        self.assertNotIn("semaphore", symbols)

    def test_nothing_is_fired_without_a_tracer(self):
        self.assertEqual(run(PROGRAM).stdout, "fired 0\n")

    @unittest.skipUnless(can_debug(), "gdb cannot run a program here")
    def test_a_debugger_at_a_probe_is_told_of_its_events_alone(self):
        printf = ('printf "%s line %u offset %u\\n", (char *)$_probe_arg1, '
                  "(unsigned)$_probe_arg2, (unsigned)$_probe_arg3")
        done = debug("break -probe-stap vmprof:call", "run",
                     *[printf, "continue"] * 5)
        seen = re.findall(r"(\S+) line (\d+) offset (\d+)", done.stdout)
        self.assertEqual(seen, [("vm:work:7:a.vm", str(i), str(10 * i))
                                for i in range(1, 6)], done.stdout)
        self.assertIn("fired 5\n", done.stdout)


if __name__ == "__main__":
    unittest.main()
