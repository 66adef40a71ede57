#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Events of threads and of compiled code, and what a program may choose
while it runs."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from toyvm import HERE, TOYVM, run_source
from told import Events

COROUTINES = "spawn,call,resume,yield,throw_into,return,unwind"
EXCEPTIONS = "raise,reraise,handled,unwind"
BUILTINS = "c_call,c_return,c_raise"
FLOW = "branch_taken,branch_not_taken,jump,back_edge"
JIT = "jit_compiled,jit_aborted,jit_entered,jit_left,jit_invalidated"


class Threads(Events):
    def test_threads_and_functions_come_and_go(self):
        lines = self.told("thread_started,thread_ended,code_created,"
                          "code_destroyed,call,return", """\
fn work(x) { return x + 1 }
thread_join(thread_start(work, 3))
""")
        self.assertEqual([line for line in lines if line[0].isdigit()], [
            "1: thread_started", "1: call work:1(3)", "1: return work:1 = 4",
            "1: thread_ended"])
        self.assertEqual([line for line in lines if not line[0].isdigit()], [
            "thread_started", "code_created <main>:1", "code_created work:1",
            "call <main>:1(list)", "return <main>:2 = nil",
            "code_destroyed <main>:1", "code_destroyed work:1",
            "thread_ended"])

    def test_functions_are_created_once_for_many_threads(self):
        lines = self.told("code_created,code_destroyed,thread_ended",
                          "burn_rounds(1000)\n", "--threads", "8")
        names = [line.split(": ")[-1] for line in lines]
        self.assertEqual(names.count("code_created <main>:1"), 1)
        self.assertEqual(names.count("code_destroyed <main>:1"), 1)
        self.assertEqual(names.count("thread_ended"), 8)

    def test_a_loop_that_runs_is_told_of_as_soon_as_another_thread_asks(self):
        source = """\
fn spin() { while true { } }
let t = thread_start(spin)
burn_ns(50000000)
set_function_events(spin, "back_edge")
thread_join(t)
"""
        for jit in ("off", "on", "threaded"):
            with self.subTest(jit), tempfile.TemporaryDirectory() as directory:
                path = Path(directory) / "test.toy"
                path.write_text(source)
                with subprocess.Popen([TOYVM, "-X", f"jit={jit}", path],
                                      stderr=subprocess.PIPE,
                                      text=True) as running:
                    self.assertEqual(running.stderr.readline(),
                                     "1: back_edge spin:1 +3 to +1\n")
                    running.kill()

    def test_marks_that_change_disturb_no_thread(self):
        source = """\
fn step(x) { return x + 1 }
fn work(n) {
    let i = 0
    while i < n {
        i = step(i)
        len("abc")
    }
    return i
}
fn toggle(n) {
    for i in 0..n {
        set_function_events(step, "call")
        set_function_events(work, "back_edge,c_call,line")
        set_function_events(step, "")
        set_function_events(work, "")
    }
    return 7
}
let list = []
for i in 0..3 { push(list, thread_start(work, 20000)) }
push(list, thread_start(toggle, 20))
push(list, thread_start(toggle, 20))
for i in 0..len(list) { print(thread_join(list[i])) }
"""
        for jit in ("off", "on", "threaded"):
            with self.subTest(jit):
                done = run_source(source, "-X", f"jit={jit}")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(done.stdout.split(),
                                 ["20000"] * 3 + ["7"] * 2)


class Choice(Events):
    def test_events_can_be_of_one_function_alone(self):
        done = run_source("""\
fn f() { g() }
fn g() { h() }
fn h() { }
f()
set_function_events(g, "call,return")
f()
set_function_events(g, "")
f()
""")
        self.assertEqual(done.stderr.splitlines(),
                         ["call g:2()", "return g:2 = nil"])

    def test_a_program_turns_events_on_and_off_for_what_comes_next(self):
        self.expect("", """\
fn f() { return 1 }
f()
set_events("call,c_call,c_return,line")
f()
set_events("")
f()
""", """
            line <main>:4
            call f:1()
            line f:1
            line <main>:5
            c_call <main>:5 set_events("")
            """)

    def test_all_events_can_be_asked_for(self):
        lines = self.told("all", "print(1)\n")
        kinds = [line.split()[0] for line in lines]
        self.assertEqual(kinds, [
            "thread_started", "code_created", "call", "line", "instruction",
            "instruction", "instruction", "c_call", "print", "c_return",
            "instruction", "instruction", "instruction", "return",
            "code_destroyed", "thread_ended"])

    def test_an_event_that_is_none_is_refused(self):
        done = run_source("", "-X", "events=call,lines")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no event called lines", done.stderr)
        done = run_source('try { set_events("x") } catch e { print(e) }\n'
                          'try { set_events(1) } catch e { print(e) }\n'
                          'try { set_function_events(1, "") }'
                          ' catch e { print(e) }\n')
        self.assertEqual(done.stdout.splitlines(), [
            "there is no event called x",
            "names of events are a string, this is a int",
            "events are of a function, this is a int"])

    def test_what_a_tool_answers_is_thrown_where_the_event_was(self):
        for kind, said in (("call", "f:1()"), ("line", "f:2"),
                           ("return", "f:2 = 1")):
            with self.subTest(kind):
                done = run_source("""\
fn f() {
    return 1
}
try {
    set_function_events(f, "%s")
    f()
} catch e { print(e) }
""" % kind, "-X", "events-fail")
                self.assertEqual(done.stderr, f"{kind} {said}\n")
                self.assertEqual(done.stdout[:14], "a tool failed:")


class Compiled(Events):
    LOOP = """\
fn step(x) { return x + 1 }
fn work(n) {
    let i = 0
    while i < n {
        i = step(i)
        if i == 300 { set_events("%s") }
        if i == 303 { set_events("%s") }
    }
}
work(400)
"""

    def test_what_is_compiled_is_entered_and_left(self):
        for jit in ("on", "threaded"):
            with self.subTest(jit):
                self.expect(JIT, "fn f(n) {\n    for i in 0..n { }\n}\nf(500)\n"
                                 "jit_invalidate(f)\n", """
                    jit_compiled loop f:2
                    jit_entered loop f:2
                    jit_left loop f:2
                    jit_invalidated loop f:2
                    """, "-X", f"jit={jit}")

    def test_what_cannot_be_compiled_is_aborted(self):
        self.expect(JIT, """\
for i in 0..60 {
    try { throw 1 } catch e { }
}
""", "jit_aborted loop <main>:1", "-X", "jit=on")

    def test_no_event_is_hidden_by_compiled_code(self):
        for jit in ("off", "on", "threaded"):
            for kinds, expected in {
                    "call,return": ["call step:1(%d)", "return step:1 = %d"],
                    "line": ["line work:7", "line work:4", "line work:5",
                             "line step:1", "line work:6"],
                    "back_edge": ["back_edge work:8 +25 to +1"],
                    "c_call": []}.items():
                with self.subTest(jit=jit, kinds=kinds):
                    done = run_source(self.LOOP % (kinds, ""), "-X",
                                      f"jit={jit}")
                    lines = done.stderr.splitlines()
                    self.assertEqual(done.returncode, 0)
                    if kinds == "call,return":
                        wanted = [text for i in (300, 301, 302) for text in
                                  (expected[0] % i, expected[1] % (i + 1))]
                    elif kinds == "c_call":
                        wanted = ['c_call work:7 set_events("")']
                    elif kinds == "line":
                        wanted = (expected * 3) + ["line work:7"]
                    else:
                        wanted = expected * 3
                    self.assertEqual(lines, wanted)

    def test_other_functions_stay_compiled_meanwhile(self):
        self.expect("jit_entered,jit_left", """\
fn other() { return 1 }
fn f(n) {
    for i in 0..n { }
}
f(100)
set_function_events(other, "line,instruction")
f(100)
set_function_events(f, "instruction")
""", """
            jit_entered loop f:3
            jit_left loop f:3
            jit_entered loop f:3
            jit_left loop f:3
            """, "-X", "jit=on")

    def test_the_same_is_told_with_every_way_to_run(self):
        kinds = f"{COROUTINES},{EXCEPTIONS},{BUILTINS},{FLOW},line,instruction"
        for name in ("control", "coroutines", "lists"):
            source = (HERE / "language" / f"{name}.toy").read_text()
            plain = self.told(kinds, source)
            self.assertGreater(len(plain), 100)
            for options in (["jit=on", "jit-hot=2"], ["jit-profile-interp"],
                            ["jit=threaded", "jit-hot=2"]):
                with self.subTest(name, options=options):
                    words = [word for o in options for word in ("-X", o)]
                    self.assertEqual(self.told(kinds, source, *words), plain)


if __name__ == "__main__":
    unittest.main()
