#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_toyvm.py VMPROF TOYVM: record --tool, on programs with known counts."""

import os
import pathlib
import sys
import unittest

from common import CALL, calls, counts, coverage, events, path, tap, text, vmprof

TOYVM = os.path.abspath(sys.argv[2])
PROGRAM = """\
fn leaf(n) {
    return n + 1
}

fn fib(n) {
    if n < 2 { return n }
    return fib(n - 1) + fib(n - 2)
}

fn fall(n) {
    if n == 0 { throw "bottom" }
    fall(n - 1)
    return 0
}

fn member(turns) {
    for i in 0..turns { wait(i) }
    return turns
}

fn wait(i) {
    leaf(i)
    yield(i)
    leaf(i)
}

fn never() {
    return 1
}

fn worker(id) {
    for i in 0..50 { leaf(i) }
    return id
}

fn main_part() {
    fib(10)
    for i in 0..20 {
        try { fall(7) } catch e { leaf(i) }
    }
    let a = spawn(member, 5)
    let b = spawn(member, 3)
    for i in 0..6 {
        if not done(a) { resume(a, 0) }
        if not done(b) { resume(b, 0) }
    }
    let threads = []
    for i in 0..4 { push(threads, thread_start(worker, i)) }
    for i in 0..4 { thread_join(threads[i]) }
}

main_part()
"""
# fib(10) is 177 calls.
EXPECTED = {
    ("main_part", "<main>"): (1, 0),
    ("fib", "main_part"): (1, 0),
    ("fib", "fib"): (176, 0),
    ("fall", "main_part"): (20, 0),
    ("fall", "fall"): (140, 0),
    ("leaf", "main_part"): (20, 0),
    ("member", "main_part"): (2, 0),
    ("wait", "member"): (8, 8),
    ("leaf", "wait"): (16, 0),
    ("worker", None): (4, 0),
    ("leaf", "worker"): (200, 0),
}


def record(*tools, options=()):
    program = pathlib.Path(path("program.toy"))
    program.write_text(PROGRAM, encoding="utf-8")
    done = vmprof("record", "-q", *options, *[f"--tool={t}" for t in tools],
                  "-o", path("out.vmprof"), "--", TOYVM, str(program))
    if done.returncode:
        raise AssertionError(done.stderr)
    data = pathlib.Path(path("out.vmprof")).read_bytes()
    os.remove(path("out.vmprof"))
    return data


class Toyvm(unittest.TestCase):
    def test_calls_are_exact(self):
        data = record("callgraph")
        found = {edge: count for edge, count in calls(data).items()
                 if edge in EXPECTED}
        self.assertEqual(found, EXPECTED)
        graph = events(data, "--callgraph")
        self.assertEqual((graph["lost_calls"], graph["unmatched_returns"],
                          graph["abandoned_calls"]), (0, 0, 0))
        rows = {row["function"]: row for row in graph["calls"]}
        # What main_part called is a part of it; fib's recursion counts once.
        self.assertLessEqual(rows["fib"]["inclusive_ns"],
                             rows["main_part"]["inclusive_ns"])

    def test_counts_are_exact_beside_other_tools(self):
        data = record("counters,callgraph", "coverage",
                      options=["--events=call,return,exceptions"])
        self.assertEqual({edge: count for edge, count in calls(data).items()
                          if edge in EXPECTED}, EXPECTED)
        found = counts(data)
        self.assertEqual([found[name, CALL] for name in ("fib", "leaf", "fall",
                                                         "worker", "wait")],
                         [177, 236, 160, 4, 8])

    def test_lines_that_ran_are_covered_and_others_are_not(self):
        (run, not_run), = coverage(record("coverage")).values()
        source = PROGRAM.splitlines()
        for number, line in enumerate(source, 1):
            what = line.strip()
            if what in ("return n + 1", "return n", "leaf(i)", "yield(i)",
                        "fall(n - 1)", "return id", "main_part()"):
                self.assertIn(number, run, line)
        dead = source.index("fn never() {") + 2
        # What follows fall's call is never reached either.
        self.assertEqual(set(not_run),
                         {dead, source.index("    fall(n - 1)") + 2})
        self.assertFalse(set(run) & set(not_run))

    def test_an_export_has_the_calls(self):
        with open(path("toy.vmprof"), "wb") as file:
            file.write(record("callgraph,coverage"))
        out = text("convert", "--to", "callgrind", "-o", "-",
                   path("toy.vmprof"))
        self.assertIn("calls=176 ", out)
        self.assertIn("calls=200 ", out)
        out = text("convert", "--to", "lcov", "-o", "-", path("toy.vmprof"))
        self.assertIn("FNDA:177,fib", out)


if __name__ == "__main__":
    tap.main()
