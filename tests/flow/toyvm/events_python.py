#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Lines, calls and exceptions of the toy VM are told of as CPython's settrace
tells of them, for programs of the same shape: the same text line by line, but for
what closes a block. Where the languages differ is left out: CPython has a line
for `except` and for `def`; a generator of its goes on with a call and yields
with a return; its exceptions are told of in each frame that they pass."""

import re
import sys
import unittest

from toyvm import run_source

# By name: the program for the toy VM, and for CPython.
PROGRAMS = {
    "a function and its calls": ("""\
fn add(a, b) {
    let c = a + b
    return c
}
fn twice(x) {
    return add(x, x)
}
twice(1)
twice(2)
""", """\
def add(a, b):
    c = a + b
    return c

def twice(x):
    return add(x, x)

twice(1)
twice(2)
"""),
    "recursion": ("""\
fn down(n) {
    if n == 0 {
        return 0
    }
    return down(n - 1)
}
down(3)
""", """\
def down(n):
    if n == 0:
        return 0

    return down(n - 1)

down(3)
"""),
    "while with continue and break": ("""\
fn loop() {
    let i = 0
    while i < 6 {
        i = i + 1
        if i == 2 {
            continue
        }
        if i == 4 {
            break
        }
        i = i + 0
    }
    return i
}
loop()
""", """\
def loop():
    i = 0
    while i < 6:
        i = i + 1
        if i == 2:
            continue

        if i == 4:
            break

        i = i + 0

    return i

loop()
"""),
    "for inside of for": ("""\
fn loops(n) {
    let sum = 0
    for i in 0..n {
        for k in 0..i {
            if k == 1 { continue }
            sum = sum + k
        }
        sum = sum + 1
    }
    return sum
}
loops(3)
for i in 0..2 {
    loops(i)
}
""", """\
def loops(n):
    sum = 0
    for i in range(n):
        for k in range(i):
            if k == 1: continue
            sum = sum + k

        sum = sum + 1

    return sum

loops(3)
for i in range(2):
    loops(i)
"""),
    "else if": ("""\
fn sign(x) {
    if x > 0 {
        x = 1
    } else if x < 0 {
        x = 2
    } else {
        x = 3
    }
    return x
}
sign(4)
sign(0 - 4)
sign(0)
""", """\
def sign(x):
    if x > 0:
        x = 1
    elif x < 0:
        x = 2
    else:
        x = 3

    return x

sign(4)
sign(0 - 4)
sign(0)
"""),
    "and and or on one line": ("""\
fn both(a, b) {
    if a and b or not a {
        return 1
    }
    return 2
}
both(true, true)
both(true, false)
both(false, false)
""", """\
def both(a, b):
    if a and b or not a:
        return 1

    return 2

both(True, True)
both(True, False)
both(False, False)
"""),
    "an exception through several frames": ("""\
fn a() {
    let x = 1
    throw "no"
}
fn b() {
    a()
    return 1
}
fn c() {
    let y = 0
    try {
        b()
        y = 1
    } catch e {
        y = 2
    }
    return y
}
c()
c()
""", """\
def a():
    x = 1
    raise Exception

def b():
    a()
    return 1

def c():
    y = 0
    try:
        b()
        y = 1
    except Exception as e:
        y = 2

    return y

c()
c()
"""),
    "an exception thrown again": ("""\
fn fail() {
    throw 1
}
fn again() {
    try {
        fail()
    } catch e {
        throw e
    }
}
fn last() {
    try {
        again()
    } catch e {
        return 3
    }
}
last()
""", """\
def fail():
    raise Exception

def again():
    try:
        fail()
    except Exception as e:
        raise e


def last():
    try:
        again()
    except Exception as e:
        return 3


last()
"""),
    "a generator": ("""\
fn count(n) {
    let i = 0
    while i < n {
        yield(i)
        i = i + 1
    }
    return i
}
fn use() {
    let c = spawn(count, 2)
    resume(c)
    resume(c)
    resume(c)
    return 1
}
use()
""", """\
def count(n):
    i = 0
    while i < n:
        yield i
        i = i + 1

    return i

def use():
    c = count(2)
    next(c)
    next(c)
    next(c, None)
    return 1

use()
"""),
    "a generator that is thrown into": ("""\
fn careful() {
    try {
        yield(1)
        yield(2)
    } catch e {
        yield(3)
    }
}
fn use() {
    let c = spawn(careful)
    resume(c)
    throw_into(c, "boo")
    resume(c)
    return 1
}
use()
""", """\
def careful():
    try:
        yield 1
        yield 2
    except Exception as e:
        yield 3


def use():
    c = careful()
    next(c)
    c.throw(Exception("boo"))
    next(c, None)
    return 1

use()
"""),
}

TOLD = re.compile(r"(\w+) ([<>\w]+):(\d+)")
NAMES = {"call": "enter", "resume": "enter", "throw_into": "enter",
         "return": "leave", "yield": "leave", "unwind": "leave"}


def of_toyvm(source):
    done = run_source(source, "-X", "events=line,raise," + ",".join(NAMES))
    assert done.returncode == 0, done.stderr
    events = []
    for text in done.stderr.splitlines():
        kind, function, line = TOLD.match(text).groups()
        if kind in NAMES:
            events.append((NAMES[kind], function))
        else:
            events.append((kind, function, int(line)))
    return events


def of_python(source):
    events, seen = [], []

    def trace(frame, event, arg):
        if frame.f_code.co_filename != "<test>":
            return None
        function = frame.f_code.co_name.replace("<module>", "<main>")
        if event == "line":
            events.append(("line", function, frame.f_lineno))
        elif event in ("call", "return"):
            events.append(({"call": "enter", "return": "leave"}[event],
                           function))
        elif event == "exception" and arg[1] not in seen:
            seen.append(arg[1])
            events.append(("raise", function, frame.f_lineno))
        return trace

    code = compile(source, "<test>", "exec")
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        exec(code, {})
    finally:
        sys.settrace(before)
    lines = source.splitlines()
    return [event for event in events if event[0] != "line" or not
            lines[event[2] - 1].lstrip().startswith(("def", "except", "try"))]


@unittest.skipIf(sys.version_info < (3, 10), "its lines are not exact yet")
class SameAsPython(unittest.TestCase):
    def test_programs_of_the_same_shape_tell_the_same(self):
        for name, (toy, python) in PROGRAMS.items():
            with self.subTest(name):
                self.assertEqual(of_toyvm(toy), of_python(python))


if __name__ == "__main__":
    unittest.main(verbosity=2)
