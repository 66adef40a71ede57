#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""The toy VM tells of each event where it happens, in order, and of no other:
what is expected here follows from what the programs say. Calls, coroutines and
exceptions."""

import unittest

from told import Events

CALLS = "call,return,unwind"
COROUTINES = "spawn,call,resume,yield,throw_into,return,unwind"
EXCEPTIONS = "raise,reraise,handled,unwind"
BUILTINS = "c_call,c_return,c_raise"


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


if __name__ == "__main__":
    unittest.main()
