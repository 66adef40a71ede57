#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof jit on PYPYLOGs and jitlogs that are damaged or none, and on wrong
command lines."""

import os
import unittest

from command import path, tap, text, vmprof, write
from jit_command import damage, jit
from jit_files import (LOOP, PLAN, Jitlog, dump, enter, jitlog, leave, pypylog,
                       section)


class Broken(unittest.TestCase):
    def test_lines_that_mean_nothing_are_counted_with_the_first_of_them(self):
        log = pypylog().replace("+10: guard_true(", "+zz guard_true(")
        result = jit(log)
        self.assertEqual(result["damage"]["lines_unknown"], 1)
        line = log.splitlines().index(
            next(x for x in log.splitlines() if "+zz" in x)) + 1
        self.assertEqual(result["damage"]["first_line"], line)
        self.assertIn(f"{line} is the first line",
                      text("jit", write(log.encode())))

    def test_ends_that_are_missing_and_ends_of_nothing_are_counted(self):
        self.assertEqual(damage("[1] {gc-minor\n[2] {gc-x\n[3] gc-minor}\n"),
                         {"unclosed": 1})
        self.assertEqual(damage("[1] gc-x}\n[2] {gc-y\n[3] gc-y}\n"),
                         {"unopened": 1})
        self.assertEqual(damage("[1] {gc-minor\n"),
                         {"unclosed": 1, "cut": True})
        self.assertEqual(damage("[1] {gc-x\n[2] gc-x}\n[3] {gc"),
                         {"unclosed": 1, "cut": True})
        self.assertEqual(damage("[1] {gc-x\n[2] gc-x}\n[3"),
                         {"cut": True})

    def test_sections_in_too_many_sections_are_left_out(self):
        log = "".join(f"[{i:x}] {{gc-x\n" for i in range(400))
        log += "".join(f"[{i:x}] gc-x}}\n" for i in range(400, 800))
        self.assertEqual(damage(log), {"limited": 400 - 256})

    def test_an_id_that_is_used_again_is_another_trace(self):
        result = jit(pypylog() + pypylog())
        loops = [t for t in result["traces"] if t["name"] == LOOP]
        self.assertEqual(len(loops), 2)
        self.assertTrue(result["damage"]["repeated"])

    def test_bridges_in_a_circle_are_their_own_loops(self):
        def bridge(guard, other):
            return section("jit-log-opt-bridge", 1, 2,
                           f"# bridge out of Guard {guard:#x} with 1 ops",
                           f"+8: guard_true(i0, descr=<Guard{other:#x}>) []")
        result = jit(bridge(0xa, 0xb) + bridge(0xb, 0xa) + bridge(0xc, 0xc))
        self.assertEqual(len({t["root"] for t in result["traces"]}), 2)

    def test_many_loops_are_listed_at_once(self):
        log = section("jit-backend-counts", 1, 2,
                      *(f"entry {i}:{i}" for i in range(1, 30001)))
        shown = text("jit", "-n", "0", write(log.encode()))
        self.assertEqual(shown.count(", loop\n"), 30000)

    def test_a_line_of_megabytes_is_read(self):
        code = bytes(range(256)) * 20000
        log = dump(0x100000, code)
        log += section(
            "jit-backend-addr", 1, 2,
            f"Loop 1 (f;a.py:1-2~#6 X) has address 0x100000 to "
            f"{0x100000 + len(code):#x}")
        trace = jit(log)["traces"][0]
        self.assertEqual(bytes.fromhex(trace["code"]), code)

    def test_numbers_beyond_all_bounds_are_no_tags(self):
        self.assertEqual(damage("[1] {gc-x\n[fffffffffffffffff] gc-x}\n"
                                "[2] gc-x}\n"), {})
        result = jit("[ffffffffffffffff] {gc-x\n[0] gc-x}\n")
        self.assertEqual(result["damage"]["backwards"], 1)
        self.assertEqual(result["sections"][0]["self"], 0)

    def test_a_jitlog_goes_on_behind_damage_at_the_next_trace(self):
        whole = jitlog()
        at = whole.data.index(b"\x1b" + whole.word(3))
        hurt = whole.data[:at] + b"\xff" * 1000 + whole.data[at:]
        result = jit(hurt)
        self.assertEqual(len(result["traces"]), 4)
        self.assertEqual(result["damage"]["bytes_unread"], 1000)
        self.assertEqual(result["damage"]["first_offset"], at)
        self.assertIn("1,000 bytes could not be read",
                      text("jit", write(hurt)))

    def test_files_that_are_none_are_refused_with_a_reason(self):
        for option in ("--pypylog", "--jitlog"):
            for data, words in ((b"", "is empty"),
                                (b"hello\nworld\n", "is not a"),
                                (os.urandom(5000), "is not a"),
                                (b"\x1e", "")):
                done = vmprof("jit", option, write(data))
                self.assertEqual(done.returncode, 1, (option, data[:9]))
                self.assertIn(words.encode(), done.stderr)
            for name, words in (("missing", b"does not exist"),
                                (".", b"is a directory")):
                done = vmprof("jit", option, path(name))
                self.assertEqual(done.returncode, 1)
                self.assertIn(words, done.stderr)
        newer = Jitlog().data[:1] + b"\x09" + Jitlog().data[2:]
        done = vmprof("jit", write(newer))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is a jitlog of version 9", done.stderr)

    def test_names_do_not_act_on_the_terminal(self):
        log = enter("a\033[31mb\x9b", 1) + leave("a\033[31mb\x9b", 5)
        self.assertNotIn("\033", text("jit", write(log.encode())))


class Commands(unittest.TestCase):
    def test_report_and_info_say_what_such_a_file_is(self):
        for data, words in ((PLAN, b"is a PYPYLOG"),
                            (jitlog().data, b"is a jitlog")):
            for command in ("report", "info", "types", "flamegraph"):
                done = vmprof(command, write(data))
                self.assertEqual(done.returncode, 1)
                self.assertIn(words, done.stderr)
                self.assertIn(b"vmprof jit --", done.stderr)

    def test_wrong_usage_has_status_2(self):
        log = write(PLAN)
        for arguments in (["jit"], ["jit", "--inner", "x", log],
                          ["jit", "--calls", "x", log],
                          ["jit", "--sort", "x", log],
                          ["jit", "--trace", "0", log],
                          ["jit", "--probe", "-1", log],
                          ["jit", "--pypylog", log, "--jitlog", log],
                          ["jit", log, log]):
            done = vmprof(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(b"--help", done.stderr)

    def test_a_trace_that_is_not_there_and_a_file_without_any(self):
        done = vmprof("jit", "--trace", "9", write(PLAN))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"has no trace 9; it has 2", done.stderr)
        done = vmprof("convert", write(jitlog().data), "--to", "pypylog", "-o",
                      "-")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is a jitlog", done.stderr)
        nothing = section("gc-minor", 1, 2).encode()
        done = vmprof("convert", write(nothing), "--to", "pypylog", "-o", "-")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"does not say when traces were entered", done.stderr)


if __name__ == "__main__":
    tap.main()
