#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""test_types.py TOYVM PROGRAMS: what an earlier run knew of types makes the JIT
compile sooner."""

import pathlib
import tempfile
import unittest

from jit import BACKENDS, PROGRAMS, Truth, run, tap

PROGRAM = PROGRAMS / "jit_types.toy"


class Types(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.directory = pathlib.Path(scratch.name)
        self.types = self.directory / "types"
        done = run(PROGRAM, 200, options=[
            "jit-profile-interp", f"--save-types={self.types}"])
        self.assertEqual((done.stderr, done.returncode), ("", 0))

    def functions(self, turns, backend, *options):
        truth = self.directory / "truth"
        done = run(PROGRAM, turns, options=[
            f"jit={backend}", f"--jit-truth={truth}", *options])
        self.assertEqual((done.stderr, done.returncode), ("", 0))
        return {trace["function"] for trace in Truth(truth).traces.values()}

    def test_a_loop_of_known_numbers_is_compiled_sooner(self):
        for backend in BACKENDS:
            with self.subTest(backend):
                self.assertNotIn("numbers", self.functions(40, backend))
                self.assertIn("numbers", self.functions(
                    40, backend, f"jit-types={self.types}"))
                self.assertNotIn("numbers", self.functions(
                    2, backend, f"jit-types={self.types}"))

    def test_a_loop_of_changing_types_is_not(self):
        program = self.directory / "mixed.toy"
        program.write_text("fn mixed(values, turns) {\n let x = 0\n"
                           " for i in 0..turns { x = values[i % 2] + 1 }\n"
                           " return x\n}\nmixed([1, 2.5], int(args[0]))\n")
        types = self.directory / "mixed.types"
        run(program, 40, options=["jit-profile-interp",
                                  f"--save-types={types}"])
        truth = self.directory / "truth"
        run(program, 40, options=["jit=threaded", f"jit-types={types}",
                                  f"--jit-truth={truth}"])
        self.assertEqual(Truth(truth).traces, {})
        run(program, 60, options=["jit=threaded", f"jit-types={types}",
                                  f"--jit-truth={truth}"])
        self.assertNotEqual(Truth(truth).traces, {})

    def test_types_that_cannot_be_used_are_told(self):
        damaged = self.directory / "damaged"
        damaged.write_bytes(self.types.read_bytes()[:-3])
        for path in (damaged, self.directory / "missing", PROGRAM):
            with self.subTest(path.name):
                done = run(PROGRAM, 2, options=["jit=on", f"jit-types={path}"])
                self.assertIn(f"toyvm: cannot use the types in {path}: ",
                              done.stderr)
                self.assertEqual((done.stdout, done.returncode), ("", 1))


if __name__ == "__main__":
    tap.main()
