#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""test_same.py TOYVM PROGRAMS: with a JIT a program does what it does without."""

import pathlib
import unittest

from jit import BACKENDS, PROGRAMS, outcome, run, tap

LANGUAGE = pathlib.Path(__file__).resolve().parent.parent / "toyvm/language"
# Arguments that leave enough to be compiled, and little more.
ARGUMENTS = {
    "coroutines": (20, 20), "deep": (20000, 2), "exceptions": (100,),
    "fibonacci": (16,), "objects": (60,), "threads": (8, 10),
    "jit_bridges": (300, 100), "jit_loops": (80, 200),
    "jit_calls": (100, 200), "jit_invalid": (300,), "jit_types": (300,),
}
TIMED = {"shares", "depth12", "depth50", "jit_shares"}  # print nothing
EAGER = ["jit-hot=2", "jit-bridge=2"]


class Same(unittest.TestCase):
    def check(self, program, *arguments):
        expected = outcome(run(program, *arguments))
        self.assertNotEqual(expected[0] + expected[1], "")
        for backend in BACKENDS:
            for how in ([], EAGER):
                with self.subTest(program.stem, backend=backend, how=how):
                    done = run(program, *arguments,
                               options=[f"jit={backend}", *how])
                    self.assertEqual(outcome(done), expected)

    def test_what_the_language_means_stays(self):
        for program in sorted(LANGUAGE.glob("*.toy")):
            # Takes seconds; objects.toy is collected, too.
            if program.stem != "garbage":
                self.check(program)

    def test_programs_print_the_same(self):
        names = {path.stem for path in PROGRAMS.glob("*.toy")}
        self.assertEqual(names, set(ARGUMENTS) | TIMED)
        for name, arguments in ARGUMENTS.items():
            self.check(PROGRAMS / f"{name}.toy", *arguments)

    def test_programs_that_run_for_a_time_run(self):
        for name in sorted(TIMED):
            for backend in BACKENDS:
                with self.subTest(name, backend=backend):
                    done = run(PROGRAMS / f"{name}.toy", 0.05,
                               options=[f"jit={backend}", *EAGER])
                    self.assertEqual(outcome(done), ("", "", 0))

    def test_each_of_many_threads_has_a_jit(self):
        program = PROGRAMS / "jit_types.toy"
        expected = run(program, 200).stdout
        for backend in BACKENDS:
            done = run(program, 200,
                       options=[f"jit={backend}", "--threads=4", *EAGER])
            self.assertEqual(sorted(done.stdout.splitlines()),
                             sorted(expected.splitlines() * 4))

    def test_bytecodes_are_counted_where_they_are_interpreted(self):
        for backend in BACKENDS:
            done = run(PROGRAMS / "jit_types.toy", 300,
                       options=[f"jit={backend}", "jit-profile-interp",
                                "--types=/dev/stderr"])
            self.assertIn('"types":["int","int"]',
                          done.stderr.replace(" ", ""))
            self.assertEqual(done.returncode, 0)

    def test_a_wrong_option_is_told(self):
        for option, message in [
                ("jit=fast", "jit must be off, on or threaded, not fast"),
                ("jit-hot=0", "must be 1 to 1000000: 0"),
                ("jit-hot=", "must be 1 to 1000000: "),
                ("jit-bridge=x", "must be 1 to 1000000: x"),
                ("jit-truth-clock=sun", "jit-truth-clock must be"),
                ("jit-emits=all", "jit-emits must be"),
                ("jit-types", "no such -X option: jit-types")]:
            with self.subTest(option):
                done = run("x.toy", options=[option])
                self.assertIn(message, done.stderr)
                self.assertEqual(done.returncode, 2)

    def test_a_file_that_cannot_be_used_is_named(self):
        for option, message in [
                ("jit-sinks=/no/such", "others of traces in /no/such: No such"),
                ("jit-types=no/such", "the types in no/such: No such"),
                ("--save-types=no/such", "the types in no/such: No such"),
                ("--jit-truth=/dev/full", "cannot write /dev/full: ")]:
            with self.subTest(option):
                done = run(PROGRAMS / "jit_types.toy", 300,
                           options=[f"jit={BACKENDS[0]}", option])
                self.assertIn(message, done.stderr)
                self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    tap.main()
