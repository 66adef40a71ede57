#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""The toy VM tells of each event where it happens, in order, and of no other:
what is expected here follows from what the programs say."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from toyvm import HERE, TOYVM, run_source

CALLS = "call,return,unwind"
COROUTINES = "spawn,call,resume,yield,throw_into,return,unwind"
EXCEPTIONS = "raise,reraise,handled,unwind"
BUILTINS = "c_call,c_return,c_raise"
FLOW = "branch_taken,branch_not_taken,jump,back_edge"
JIT = "jit_compiled,jit_aborted,jit_entered,jit_left,jit_invalidated"


class Events(unittest.TestCase):
    def told(self, kinds, source, *options, status=0):
        done = run_source(source, "-X", f"events={kinds}", *options)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr.splitlines()

    def expect(self, kinds, source, expected, *options, **settings):
        self.assertEqual(self.told(kinds, source, *options, **settings),
                         [line.strip() for line in
                          expected.strip().splitlines()])


class Calls(Events):
    def test_calls_and_returns_nest_with_their_values(self):
        self.expect(CALLS, """\
fn twice(x) { return x + x }
fn both(a, b) {
    return twice(a) + twice(b)
}
both(1, 2.5)
both("x", "y")
""", """
            call <main>:1(list)
            call both:2(1, 2.5)
            call twice:1(1)
            return twice:1 = 2
            call twice:1(2.5)
            return twice:1 = 5
            return both:3 = 7
            call both:2("x", "y")
            call twice:1("x")
            return twice:1 = "xx"
            call twice:1("y")
            return twice:1 = "yy"
            return both:3 = "xxyy"
            return <main>:6 = nil
            """)

    def test_each_call_of_a_recursion_begins_and_returns(self):
        self.expect(CALLS, """\
fn down(n) {
    if n == 0 { return nil }
    return down(n - 1)
}
down(2)
""", """
            call <main>:1(list)
            call down:1(2)
            call down:1(1)
            call down:1(0)
            return down:2 = nil
            return down:3 = nil
            return down:3 = nil
            return <main>:5 = nil
            """)

    def test_a_deep_recursion_has_as_many_events_as_calls(self):
        lines = self.told(CALLS, "fn dive(n) { if n > 0 { dive(n - 1) } }\n"
                                 "dive(30000)\n")
        self.assertEqual(len(lines), 2 * 30001 + 2)
        self.assertEqual(lines[1], "call dive:1(30000)")
        self.assertEqual(lines[30001], "call dive:1(0)")
        self.assertEqual(set(lines[30002:-1]), {"return dive:1 = nil"})

    def test_a_loop_at_a_functions_beginning_is_not_another_call(self):
        self.expect("call", """\
fn wait(n) {
    while n > 0 { n = n - 1 }
}
wait(3)
""", """
            call <main>:1(list)
            call wait:1(3)
            """)

    def test_builtins_are_told_of_with_arguments_and_results(self):
        self.expect(BUILTINS, """\
let list = [1]
push(list, len("abc"))
fn f() { return str(nil) }
f()
""", """
            c_call <main>:2 len("abc")
            c_return <main>:2 len = 3
            c_call <main>:2 push(list, 3)
            c_return <main>:2 push = nil
            c_call f:3 str(nil)
            c_return f:3 str = "nil"
            """)

    def test_builtins_that_throw_are_left_by_it(self):
        self.expect(f"{BUILTINS},{EXCEPTIONS}", """\
fn f() {
    len(1)
}
try { f() } catch e { }
try { len() } catch e { }
""", """
            c_call f:2 len(1)
            c_raise f:2 len = "a int has no length"
            raise f:2 = "a int has no length"
            unwind f:2 = "a int has no length"
            handled <main>:4 = "a int has no length"
            raise <main>:5 = "len does not take 0 arguments"
            handled <main>:5 = "len does not take 0 arguments"
            """)


class Coroutines(Events):
    def test_a_generator_that_is_run_to_its_end(self):
        self.expect(COROUTINES, """\
fn count(n) {
    for i in 0..n {
        yield(i)
    }
    return "end"
}
let c = spawn(count, 2)
resume(c)
resume(c, "sent")
resume(c)
""", """
            call <main>:1(list)
            spawn <main>:7 = coroutine
            call count:1(2)
            yield count:3 = 0
            resume count:3 = "sent"
            yield count:3 = 1
            resume count:3 = nil
            return count:5 = "end"
            return <main>:10 = nil
            """)

    def test_a_yield_deep_inside_of_a_coroutine_is_that_functions(self):
        self.expect(COROUTINES, """\
fn inner(x) {
    return yield(x)
}
fn outer() { return inner(1) + 1 }
let c = spawn(outer)
resume(c)
resume(c, 7)
""", """
            call <main>:1(list)
            spawn <main>:5 = coroutine
            call outer:4()
            call inner:1(1)
            yield inner:2 = 1
            resume inner:2 = 7
            return inner:2 = 7
            return outer:4 = 8
            return <main>:7 = nil
            """)

    def test_one_that_is_closed_early_leaves_all_its_frames(self):
        self.expect(COROUTINES, """\
fn inner() {
    try { yield(1) } catch e { yield(2) }
}
fn outer() { inner() }
let c = spawn(outer)
resume(c)
close(c)
close(c)
close(spawn(outer))
""", """
            call <main>:1(list)
            spawn <main>:5 = coroutine
            call outer:4()
            call inner:1()
            yield inner:2 = 1
            unwind inner:2 = nil
            unwind outer:4 = nil
            spawn <main>:9 = coroutine
            return <main>:9 = nil
            """)

    def test_one_that_nobody_can_resume_any_more_is_left_by_the_collector(self):
        self.expect(f"{COROUTINES},free,gc_start,gc_end", """\
fn wait() { yield(1) }
fn forget() {
    resume(spawn(wait))
}
forget()
gc()
""", """
            call <main>:1(list)
            call forget:2()
            spawn forget:3 = coroutine
            call wait:1()
            yield wait:1 = 1
            return forget:4 = nil
            gc_start <main>:6
            unwind wait:1 = nil
            free <main>:6 coroutine
            gc_end <main>:6
            return <main>:6 = nil
            """)

    def test_one_that_is_thrown_into_catches_or_is_left(self):
        self.expect(f"{COROUTINES},{EXCEPTIONS}", """\
fn careful() {
    try {
        yield(1)
    } catch e {
        yield(e)
    }
}
let c = spawn(careful)
resume(c)
throw_into(c, "first")
try {
    throw_into(c, "second")
} catch e { }
""", """
            call <main>:1(list)
            spawn <main>:8 = coroutine
            call careful:1()
            yield careful:3 = 1
            throw_into careful:3 = "first"
            raise careful:3 = "first"
            handled careful:4 = "first"
            yield careful:5 = "first"
            throw_into careful:5 = "second"
            raise careful:5 = "second"
            unwind careful:5 = "second"
            handled <main>:13 = "second"
            return <main>:13 = nil
            """)

    def test_one_that_is_thrown_into_before_it_began_has_no_call(self):
        self.expect(f"{COROUTINES},{EXCEPTIONS}", """\
fn never() {
    yield(1)
}
try { throw_into(spawn(never), 5) } catch e { }
""", """
            call <main>:1(list)
            spawn <main>:4 = coroutine
            throw_into never:2 = 5
            raise never:2 = 5
            unwind never:2 = 5
            handled <main>:4 = 5
            return <main>:4 = nil
            """)

    def test_an_exception_goes_on_in_whoever_resumed(self):
        self.expect(f"{COROUTINES},{EXCEPTIONS}", """\
fn fail() {
    throw "no"
}
fn middle() { resume(spawn(fail)) }
fn outer() {
    try { resume(spawn(middle)) } catch e { return e }
}
outer()
""", """
            call <main>:1(list)
            call outer:5()
            spawn outer:6 = coroutine
            call middle:4()
            spawn middle:4 = coroutine
            call fail:1()
            raise fail:2 = "no"
            unwind fail:2 = "no"
            unwind middle:4 = "no"
            handled outer:6 = "no"
            return outer:6 = "no"
            return <main>:8 = nil
            """)


class Exceptions(Events):
    def test_one_through_several_frames_to_its_handler(self):
        self.expect(f"{CALLS},{EXCEPTIONS}", """\
fn a() {
    throw {code: 1}
}
fn b() { a() }
fn c() {
    try {
        b()
    } catch e {
        return e.code
    }
}
c()
""", """
            call <main>:1(list)
            call c:5()
            call b:4()
            call a:1()
            raise a:2 = object
            unwind a:2 = object
            unwind b:4 = object
            handled c:8 = object
            return c:9 = 1
            return <main>:12 = nil
            """)

    def test_what_a_catch_throws_again_is_raised_again(self):
        self.expect(EXCEPTIONS, """\
fn again() {
    try {
        throw "one"
    } catch e {
        throw e
    }
}
fn another() {
    try { again() } catch e { throw e + "!" }
}
fn changed() {
    try { throw 1 } catch e {
        e = 2
        throw e
    }
}
try { another() } catch e { }
try { changed() } catch e { }
""", """
            raise again:3 = "one"
            handled again:4 = "one"
            reraise again:5 = "one"
            unwind again:5 = "one"
            handled another:9 = "one"
            raise another:9 = "one!"
            unwind another:9 = "one!"
            handled <main>:17 = "one!"
            raise changed:12 = 1
            handled changed:12 = 1
            raise changed:14 = 2
            unwind changed:14 = 2
            handled <main>:18 = 2
            """)

    def test_an_operator_that_fails_raises_at_its_line(self):
        self.expect(EXCEPTIONS, """\
try {
    let x = 1
    x = x / 0
} catch e { }
""", """
            raise <main>:3 = "division by zero"
            handled <main>:4 = "division by zero"
            """)

    def test_what_nobody_catches_leaves_every_frame(self):
        lines = self.told(f"{CALLS},{EXCEPTIONS}", """\
fn f() { throw 1 }
resume(spawn(f))
""", status=1)
        self.assertEqual(lines[:5], [
            "call <main>:1(list)", "call f:1()", "raise f:1 = 1",
            "unwind f:1 = 1", "unwind <main>:2 = 1"])
        self.assertIn("uncaught exception", lines[5])


class Lines(Events):
    def test_loops_begin_their_line_at_each_turn(self):
        self.expect("line", """\
let i = 0
while i < 3 {
    i = i + 1
    if i == 2 {
        continue
    }
    for k in 0..2 { if k == i { break } }
}
""", """
            line <main>:1
            line <main>:2
            line <main>:3
            line <main>:4
            line <main>:7
            line <main>:7
            line <main>:2
            line <main>:3
            line <main>:4
            line <main>:5
            line <main>:2
            line <main>:3
            line <main>:4
            line <main>:7
            line <main>:7
            line <main>:7
            line <main>:2
            """)

    def test_conditions_of_else_if_have_lines_of_their_own(self):
        self.expect("line", """\
fn sign(x) {
    if x > 0 {
        return 1
    } else if x < 0 {
        return 0 - 1
    } else {
        x = 0
    }
    return x
}
sign(1) sign(0)
""", """
            line <main>:11
            line sign:2
            line sign:3
            line sign:2
            line sign:4
            line sign:7
            line sign:9
            """)

    def test_a_line_is_told_of_once_however_much_is_on_it(self):
        self.expect("line,call", """\
fn f(x) { return x }
let a = f(1) + f(2); f(3)
""", """
            call <main>:1(list)
            line <main>:2
            call f:1(1)
            line f:1
            call f:1(2)
            line f:1
            call f:1(3)
            line f:1
            """)

    def test_lines_can_show_the_variables_that_there_are(self):
        self.expect("line", """\
fn f(a, b) {
    let c = a + b
    if c > 2 {
        let d = "inner"
        d = [d]
    }
    return c
}
f(1, 2)
""", """
            line <main>:9 (list)
            line f:2 (1, 2)
            line f:3 (1, 2, 3)
            line f:4 (1, 2, 3)
            line f:5 (1, 2, 3, "inner")
            line f:7 (1, 2, 3)
            """, "-X", "events-locals")

    def test_a_place_that_was_disabled_is_told_of_once(self):
        self.expect("line,back_edge", """\
for i in 0..100 {
    if i % 50 == 0 {
        i = 0
    }
}
""", """
            line <main>:1
            line <main>:2
            line <main>:3
            back_edge <main>:5 +22 to +4
            line <main>:1
            """, "-X", "events-once")


class Flow(Events):
    def test_branches_and_jumps_say_where_they_go(self):
        # 0 GET x, 1 INT 0, 2 GREATER, 3 JUMP_IF_FALSE 7, 4 INT 1, 5 RETURN,
        # 6 JUMP 9, 7 INT 2, 8 RETURN, 9 NIL, 10 RETURN
        self.expect(FLOW, """\
fn f(x) {
    if x > 0 { return 1 } else { return 2 }
}
f(1) f(0)
""", """
            branch_not_taken f:2 +3 to +4
            branch_taken f:2 +3 to +7
            """)

    def test_a_loop_goes_back_and_break_jumps(self):
        # 0 JUMP 1, which is none, 1 TRUE, 2 JUMP_IF_FALSE 12, 3 GET n, 4 INT 1,
        # 5 EQUAL, 6 JUMP_IF_FALSE 8, 7 JUMP 12, 8 INT 1, 9 SET n, 10 LOOP 1
        self.expect(f"{FLOW},line", """\
fn f(n) {
    while true {
        if n == 1 { break }
        n = 1
    }
}
f(0)
""", """
            line <main>:7
            line f:2
            branch_not_taken f:2 +2 to +3
            line f:3
            branch_taken f:3 +6 to +8
            line f:4
            back_edge f:5 +10 to +1
            line f:2
            branch_not_taken f:2 +2 to +3
            line f:3
            branch_not_taken f:3 +6 to +7
            jump f:3 +7 to +11
            """)

    def test_and_and_or_are_branches(self):
        # GET a, AND 4, POP-less GET b, ...
        self.expect(FLOW, """\
fn f(a, b) { return a and b or 7 }
f(false, 1)
f(2, 3)
""", """
            branch_taken f:1 +1 to +3
            branch_not_taken f:1 +3 to +4
            branch_not_taken f:1 +1 to +2
            branch_taken f:1 +3 to +5
            """)

    def test_every_instruction_is_told_of_in_order(self):
        self.expect("instruction,call,return", """\
fn f(x) {
    return x * 2
}
f(4)
""", """
            call <main>:1(list)
            instruction <main>:4 +0
            instruction <main>:4 +1
            instruction <main>:4 +2
            call f:1(4)
            instruction f:2 +0
            instruction f:2 +1
            instruction f:2 +2
            instruction f:2 +3
            return f:2 = 8
            instruction <main>:4 +3
            instruction <main>:4 +4
            instruction <main>:4 +5
            return <main>:4 = nil
            """)


class Memory(Events):
    def test_what_is_made_and_freed(self):
        self.expect("allocation,free,gc_start,gc_end", """\
fn make() {
    let o = {a: [1]}
    return "x" + "y"
}
make()
gc()
""", """
            allocation make:2 object
            allocation make:2 list
            allocation make:3 string
            gc_start <main>:6
            free <main>:6 string
            free <main>:6 list
            free <main>:6 object
            gc_end <main>:6
            """)

    def test_a_collection_that_is_due_is_told_of_where_it_happens(self):
        lines = self.told("gc_start,gc_end", """\
fn waste(n) {
    for i in 0..n {
        [i]
    }
}
waste(200000)
""")
        self.assertGreater(len(lines), 4)
        self.assertEqual(lines[::2], ["gc_start waste:3"] * (len(lines) // 2))
        self.assertEqual(lines[1::2], ["gc_end waste:3"] * (len(lines) // 2))


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
    unittest.main(verbosity=2)
