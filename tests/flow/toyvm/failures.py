#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""What the toy VM says when something is wrong, and its exit codes: 1 for a
failed program, 2 for wrong usage."""

import unittest

from toyvm import HERE, PROGRAMS, run, run_source

# Source, line, message.
WRONG = [
    ("let", 1, "the name of a variable is missing after let"),
    ("let x", 1, "a '=' and a value are missing after the name"),
    ("let x = ", 1, "an expression is missing here"),
    ("\n\nprint(1", 3, "the arguments are not closed with a ')'"),
    ("print(1 2)", 1, "the arguments are not closed with a ')'"),
    ("let x = [1, 2", 1, "the list is not closed with a ']'"),
    ("let x = {a: 1", 1, "the object is not closed with a '}'"),
    ("let x = {a 1}", 1, "a ':' is missing after the attribute's name"),
    ("let x = {1: 1}", 1, "the name of an attribute is missing here"),
    ("let x = (1", 1, "a ')' is missing here"),
    ("let s = \"open\nprint(s)", 1, "this string does not end on its line"),
    ("let s = \"open\\", 1, "this string does not end on its line"),
    ("let x = 1 @ 2", 1, "this character has no meaning here"),
    ("if true print(1)", 1, "a '{' is missing here"),
    ("if true {\n print(1)\n", 3, "a '}' is missing here"),
    ("while true {", 1, "a '}' is missing here"),
    ("for i 0..3 { }", 1, "'in' is missing after the variable"),
    ("for i in 0 { }", 1, "'..' is missing: for i in 0..10 { }"),
    ("for in 0..3 { }", 1, "the name of a variable is missing after for"),
    ("break", 1, "break outside a loop"),
    ("\ncontinue", 2, "continue outside a loop"),
    ("while true { fn() { break } }", 1,
     "only a function without a name can be made here"),
    ("while true { let f = fn() { break } }", 1, "break outside a loop"),
    ("try { } print(1)", 1, "catch NAME { } is missing after try { }"),
    ("try { } catch { }", 1,
     "the name of a variable is missing after catch"),
    ("fn f { }", 1, "'(' and the parameters are missing"),
    ("fn f(a, 1) { }", 1, "the parameters are not closed with a ')'"),
    ("fn f() print(1)", 1, "a '{' is missing here"),
    ("fn (a) { }", 1, "the name of the function is missing"),
    ("fn f() { }\nfn f() { }", 2, "a function has this name already"),
    ("fn print() { }", 1, "a builtin has this name"),
    ("fn f() { fn g() { } }", 1,
     "only a function without a name can be made here"),
    ("1 = 2", 1, "nothing can be assigned to this"),
    ("let a = 1\na + a = 2", 2, "nothing can be assigned to this"),
    ("let a = 1\n(a) = 2", 2, "nothing can be assigned to this"),
    ("let a = 1\nnot a = 2", 2, "nothing can be assigned to this"),
    ("print = 2", 1, "nothing can be assigned to this"),
    ("print(1)\nunknown(2)", 2, "the name 'unknown' is unknown"),
    ("let a = 1\nfn f() { return a }", 2, "the name 'a' is unknown"),
    ("if true { let a = 1 }\nprint(a)", 2, "the name 'a' is unknown"),
    ("print(9223372036854775808)", 1,
     "this number does not fit into 64 bits"),
    ("resume 1", 1, "a '(' is missing after resume"),
    ("yield(1", 1, "yield(value) is not closed with a ')'"),
    ("let x = " + "(" * 1000, 1, "this is nested too deeply"),
    ("let x = " + "[" * 1000, 1, "this is nested too deeply"),
    ("let x = " + "-" * 1000 + "1", 1, "this is nested too deeply"),
    ("let x = " + "not " * 1000 + "1", 1, "this is nested too deeply"),
    ("if true { " * 1000, 1, "this is nested too deeply"),
    ("if true { } " + "else if true { } " * 1000, 1,
     "this is nested too deeply"),
    ("let f = " + "fn() { return " * 1000, 1, "this is nested too deeply"),
    ("".join(f"let v{i} = 1\n" for i in range(300)), 250,
     "this function has too many variables"),
    ("print(" + "1, " * 300 + "1)", 1, "this list is too long"),
]

UNCAUGHT = """\
fn inner(n) {
    let ok = 1
    return ok / n
}
fn outer(n) {
    return inner(
        n)
}
print("before")
outer(0)
print("never")
"""

UNCAUGHT_MESSAGE = """\
toyvm: toy 0: uncaught exception: division by zero
  in inner, test.toy:3
  in outer, test.toy:6
  in <main>, test.toy:10
"""

IN_COROUTINE = """\
fn fails() {
    yield(1)
    throw {code: 3}
}
let c = spawn(fails)
resume(c)
resume(c)
"""

IN_COROUTINE_MESSAGE = """\
toyvm: toy 0: uncaught exception: {code: 3}
  in fails, test.toy:3
  in <main>, test.toy:7
"""

# Options and what they are told.
MISUSED = [
    ([], "no program given"),
    (["--interval", "0", "x.toy"], "--interval must be between 0 and 1"),
    (["--interval", "1", "x.toy"], "--interval must be between 0 and 1"),
    (["--interval", "nan", "x.toy"], "--interval must be between 0 and 1"),
    (["--interval", "1ms", "x.toy"], "--interval must be between 0 and 1"),
    (["--mode", "real", "x.toy"], "--mode must be cpu or wall, not real"),
    (["--threads", "0", "x.toy"], "--threads must be 1 to 1000, not 0"),
    (["--threads", "-1", "x.toy"], "--threads must be 1 to 1000, not -1"),
    (["--threads", "1x", "x.toy"], "--threads must be 1 to 1000, not 1x"),
    (["--frobnicate"], "unrecognized option"),
    (["--profile"], "requires an argument"),
]


class Failures(unittest.TestCase):
    def test_a_wrong_program_is_told_its_line(self):
        for source, line, message in WRONG:
            with self.subTest(source[:60]):
                done = run_source(source)
                self.assertEqual(done.stderr, f"test.toy:{line}: {message}\n")
                self.assertEqual((done.stdout, done.returncode), ("", 1))

    def test_an_uncaught_exception_shows_its_calls(self):
        done = run_source(UNCAUGHT)
        self.assertEqual(done.stderr, UNCAUGHT_MESSAGE)
        self.assertEqual((done.stdout, done.returncode), ("before\n", 1))

    def test_an_uncaught_exception_shows_who_resumed(self):
        done = run_source(IN_COROUTINE)
        self.assertEqual(done.stderr, IN_COROUTINE_MESSAGE)
        self.assertEqual(done.returncode, 1)

    def test_an_endless_recursion_ends(self):
        done = run_source("fn f() { return f() }\nf()")
        self.assertIn("more than 1000000 calls deep", done.stderr)
        self.assertIn("\n  and 999980 more\n", done.stderr)
        self.assertEqual(done.returncode, 1)

    def test_a_thread_that_nobody_joins_fails_the_program(self):
        done = run_source("fn f() { throw 1 }\nthread_start(f)\nprint(2)")
        self.assertEqual(done.stderr, "toyvm: toy 1: uncaught exception: 1\n"
                                      "  in f, test.toy:1\n")
        self.assertEqual((done.stdout, done.returncode), ("2\n", 1))

    def test_a_failed_thread_fails_those_above_it(self):
        source = ("fn f() { throw 1 }\nfn g() { thread_start(f) return 2 }\n"
                  "try { thread_join(thread_start(g)) } catch e { print(e) }\n"
                  "thread_start(g)")
        done = run_source(source)
        self.assertEqual(done.stdout, "a thread of this thread has failed\n")
        self.assertEqual(done.stderr.count("uncaught exception: 1\n"), 2)
        self.assertEqual(done.returncode, 1)

    def test_each_of_many_threads_can_fail_the_program(self):
        done = run_source("throw 1", "--threads", "3")
        self.assertEqual(done.stderr.count("uncaught exception: 1\n"), 3)
        self.assertEqual(done.returncode, 1)

    def test_wrong_usage_is_2(self):
        for arguments, message in MISUSED:
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertIn(message, done.stderr)
                self.assertIn("usage: toyvm", done.stderr)
                self.assertEqual((done.stdout, done.returncode), ("", 2))

    def test_help_is_no_mistake(self):
        done = run("--help")
        self.assertTrue(done.stdout.startswith("usage: toyvm"))
        self.assertEqual((done.stderr, done.returncode), ("", 0))

    def test_a_program_that_cannot_be_read_is_named(self):
        done = run("no/such.toy")
        self.assertEqual(done.stderr, "toyvm: cannot read no/such.toy: "
                                      "No such file or directory\n")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(run("/").returncode, 1)

    def test_a_profile_that_cannot_be_written_is_named(self):
        done = run_source("print(1)", "--profile", "no/such/file")
        self.assertEqual(done.stderr,
                         "toyvm: cannot write no/such/file: "
                         "No such file or directory\n")
        self.assertEqual((done.stdout, done.returncode), ("", 1))

    def test_a_program_cut_anywhere_is_wrong_and_no_crash(self):
        for name in ["exceptions", "control", "objects", "coroutines"]:
            source = (HERE / "language" / f"{name}.toy").read_bytes()
            for end in range(1, len(source), len(source) // 40):
                with self.subTest(name, end=end):
                    done = run_source(source[:end], text=False)
                    self.assertIn(done.returncode, (0, 1), done.stderr)

    def test_any_bytes_are_wrong_and_no_crash(self):
        source = (PROGRAMS / "shares.toy").read_bytes()
        for junk in [b"\xff\xfe", b"\x00\x01\x02", bytes(range(256)),
                     source[::-1], b"\"\\", b"0.", b"1..", b"..", b"{", b"}"]:
            with self.subTest(junk[:16]):
                done = run_source(junk, text=False)
                self.assertIn(done.returncode, (0, 1), done.stderr)


unittest.main()
