#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""`vmprof record -g` of the toy VM: C functions of the VM, those of libc and
functions of the program in one stack, in the order of the calls; and without
the native frames the stacks are those of the program alone."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

VMPROF = pathlib.Path(sys.argv.pop(1)).resolve()

from toyvm import PROGRAMS, TOYVM  # noqa: E402 (takes its arguments first)


def vmprof(*arguments):
    return subprocess.run([str(word) for word in (VMPROF, *arguments)],
                          text=True, capture_output=True, timeout=240)


class Native(unittest.TestCase):
    def record(self, *options):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "profile"
            done = vmprof("record", "-o", file, "-r", 2000, *options, "--",
                          TOYVM, PROGRAMS / "objects.toy", 6000)
            if "native frames" in done.stderr:
                self.skipTest(done.stderr)
            self.assertEqual(done.returncode, 0, done.stderr)
            return [json.loads(vmprof("report", "--json", *choice, file).stdout)
                    for choice in ([], ["--no-native"])]

    def stacks(self, report):
        """(language, function) of each frame, outermost first, by node."""
        functions, stacks = report["functions"], {0: ()}
        for node in report["tree"]:
            function = functions[node["function"]]
            stacks[node["id"]] = stacks[node["parent"]] + (
                (function.get("language", ""), function["function"]),)
            yield stacks[node["id"]], node["self_ns"]

    def check(self, *options, at_least):
        whole, plain = self.record(*options)
        sampled = whole["summary"]["sampled_ns"]
        in_loop = collected = 0
        for stack, self_ns in self.stacks(whole):
            if ("native", "run_plain") in stack:
                loop = stack.index(("native", "run_plain"))
                in_loop += self_ns
                # The loop enters the program's functions, main first.
                self.assertIn(stack[loop + 1:loop + 2],
                              [(), (("toy", "<main>"),)], stack)
                self.assertFalse(any(language.startswith("toy")
                                     for language, _ in stack[:loop]), stack)
            if ("native", "heap_collect") in stack:
                # The collector's frame begins and ends in calls of its own.
                collect = stack.index(("native", "heap_collect"))
                self.assertIn(stack[collect + 1:collect + 2],
                              [(), (("toy-native", "garbage collector"),),
                               (("native", "profile_begin_gc"),),
                               (("native", "profile_end_gc"),)],
                              stack)
                collected += self_ns
        self.assertGreater(in_loop, at_least * sampled)
        self.assertGreater(collected, 0)
        self.assertEqual(whole["losses"]["polled"], 0)
        for stack, _ in self.stacks(plain):
            self.assertNotIn("native", [language for language, _ in stack])
        self.assertEqual(plain["summary"]["sampled_ns"], sampled)

    def test_copies_of_the_stack_are_unwound_between_the_program_s_frames(self):
        self.check("-g", at_least=0.95)

    @unittest.skipUnless(os.uname().machine in ("x86_64", "aarch64"),
                         "no frame pointers are followed on this machine")
    def test_frame_pointers_lead_to_the_same_stacks(self):
        # Debian's libc keeps no frame pointers: malloc() hides its callers.
        self.check("-gfp", at_least=0.4)


if __name__ == "__main__":
    unittest.main()
