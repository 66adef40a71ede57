#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""What profiles of the toy VM say is what the programs did: every stack is one
that can occur, lines are right, and shares are those that the clock found."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

VMPROF = pathlib.Path(sys.argv.pop(1)).resolve()

from toyvm import PROGRAMS, run  # noqa: E402 (takes its arguments first)

# By program: who calls whom. Natives are leaves and may stand anywhere.
CALLS = {
    "exceptions": {
        "<main>": {"directly", "through_coroutine"},
        "directly": {"rethrow", "work"},
        "through_coroutine": {"inside", "work"},
        "inside": {"rethrow"},
        "rethrow": {"fall"},
        "fall": {"fall", "work"},
        "work": set(),
    },
    "coroutines": {
        "<main>": {"schedule", "finish"},
        "schedule": {"member"},
        "finish": {"member"},
        "member": {"turn"},
        "turn": {"spin"},
        "spin": set(),
    },
    "threads": {
        "<main>": set(),
        "worker": {"fill", "total"},
        "fill": set(),
        "total": set(),
    },
    "objects": {
        "<main>": {"tree", "count", "make", "sum_areas"},
        "make": {"circle", "square"},
        "circle": set(),
        "square": set(),
        "sum_areas": {"<fn>"},
        "<fn>": set(),
        "tree": {"tree"},
        "count": {"count"},
    },
}
NATIVES = {"print", "len", "str", "int", "float", "push", "spawn", "done",
           "clock", "thread_start", "thread_join", "garbage collector",
           "[no poll]", "[system calls]"}
ROOTS = {"<main>", "worker"}

LINES = """\
fn burn() {
    burn_ns(6000000)
    burn_ns(2000000)
}
for i in 0..50 {
    burn()
}
"""

# Of a native function and one that polls at each turn, as long as an interval.
TURNS = """\
fn script(ns) {
    let start = cpu_time()
    let s = 0
    while cpu_time() - start < ns / 1000000000.0 {
        for i in 0..500 { s = s + i * 3 % 7 }
    }
}
for i in 0..700 {
    burn_ns(1000000)
    script(1000000)
}
"""

OVERFLOW = """\
fn dive(n) {
    if n == 0 { burn_ns(100000000) return 0 }
    return 1 + dive(n - 1)
}
fn after() { burn_ns(100000000) }
print(dive(300000))
after()
"""

PAUSED = """\
fn seen() { burn_ns(100000000) }
fn hidden() { burn_ns(100000000) }
seen()
print(profile_pause())
hidden()
print(profile_resume(), profile_resume())
seen()
"""


def vmprof(*arguments):
    done = subprocess.run([VMPROF, *map(str, arguments)], capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Profile:
    """A program's profile, and what it printed."""

    def __init__(self, program, *arguments, options=()):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "profile"
            done = run("--profile", file, *options, program, *arguments)
            assert done.returncode == 0, done.stderr
            self.output = done.stdout
            self.report = json.loads(vmprof("report", "--json", file))
            self.collapsed = vmprof("convert", file, "--to", "collapsed",
                                    "--value", "samples", "-o", "-")

    def stacks(self):
        """Lists of function names, outermost first, and how often."""
        for line in self.collapsed.splitlines():
            stack, count = line.rsplit(" ", 1)
            yield [re.sub(r" \(.*\)$", "", frame)
                   for frame in stack.split(";")], int(count)

    def shares(self):
        shares = {}
        for function in self.report["functions"]:
            name = function["function"]
            shares[name] = shares.get(name, 0) + function["self_percent"]
        return shares


class Stacks(unittest.TestCase):
    def check_stack(self, calls, stack):
        if stack == ["[native]"]:
            return  # a thread before its first call and after its last
        if list(stack) in (["[system calls]"], ["[no poll]"]):
            return  # before the program's first call, or of no one for sure
        self.assertIn(stack[0], ROOTS)
        for index, (caller, callee) in enumerate(zip(stack, stack[1:])):
            if callee in NATIVES:
                # Only time of which no sample was taken lies beneath them.
                self.assertIn(stack[index + 2:],
                              [[], ["[system calls]"], ["[no poll]"]], stack)
            else:
                self.assertIn(callee, calls.get(caller, ()), stack)

    def check(self, program, *arguments, options=()):
        profile = Profile(PROGRAMS / f"{program}.toy", *arguments,
                          options=["--interval", "0.0005", *options])
        total = 0
        for stack, count in profile.stacks():
            if stack[0] not in ("[native]", "[off-CPU]", "[unsampled]"):
                self.check_stack(CALLS[program], stack)
                total += count
        self.assertGreater(total, 20)
        return profile

    def check_exceptions(self, profile):
        """Nothing is left of the calls that an exception skipped, and nothing
        is missing that it did not skip."""
        under_fall = 0
        for stack, count in profile.stacks():
            if stack[-1] != "work":
                continue
            if stack[-2] == "fall":
                self.assertEqual(stack.count("fall"), 51)
                self.assertEqual(len(stack),
                                 56 if "inside" in stack else 55)
                under_fall += count
            else:
                self.assertEqual(len(stack), 3)
        self.assertGreater(under_fall, 0)

    def test_exceptions_leave_nothing_behind(self):
        self.check_exceptions(self.check("exceptions", 5000))

    def test_exceptions_leave_nothing_for_the_observer(self):
        self.check_exceptions(self.check("exceptions", 5000,
                                         options=["--mode", "wall"]))

    def test_coroutines_run_on_top_of_who_resumed_them(self):
        profile = self.check("coroutines", 1000, 100)
        whole = ["<main>", "schedule", "member", "turn", "spin"]
        self.assertIn(whole, [stack for stack, _ in profile.stacks()])

    def test_coroutines_can_be_observed(self):
        self.check("coroutines", 1000, 100, options=["--mode", "wall"])

    def test_each_of_64_threads_has_samples_of_its_own(self):
        profile = self.check("threads", 64, 200)
        sampled = {thread["name"] for thread in profile.report["threads"]
                   if thread["samples"] > 0}
        self.assertLessEqual({f"toy {i}" for i in range(1, 65)}, sampled)
        self.assertTrue(any(stack[0] == "worker"
                            for stack, _ in profile.stacks()))

    def test_the_collector_is_a_frame_and_a_phase(self):
        profile = self.check("objects", 5000)
        phases = {phase["phase"]: phase["samples"]
                  for phase in profile.report["phases"]}
        collected = sum(count for stack, count in profile.stacks()
                        if stack[-1] == "garbage collector")
        self.assertGreater(collected, 0)
        self.assertAlmostEqual(phases["gc"], collected,
                               delta=collected * 0.1 + 2)

    def test_a_deep_stack_keeps_its_inner_end(self):
        profile = Profile(PROGRAMS / "deep.toy", 100000, 5)
        seen = 0
        for stack, count in profile.stacks():
            if stack[-1] == "bottom":
                self.assertEqual(stack[0], "[truncated]")
                self.assertEqual(stack[1:-1], ["dive"] * 1023)
                seen += count
        self.assertGreater(seen, 0)
        losses = profile.report["losses"]
        self.assertGreaterEqual(losses["stacks_truncated"], seen)
        # 100,001 dives and the text lie under bottom; 1,023 dives are shown.
        self.assertGreaterEqual(losses["frames_truncated"],
                                seen * (100002 - 1023))

    def test_a_stack_that_overflows_is_counted_and_then_right_again(self):
        with tempfile.TemporaryDirectory() as directory:
            program = pathlib.Path(directory) / "overflow.toy"
            program.write_text(OVERFLOW)
            profile = Profile(program)
        self.assertEqual(profile.output, "300000\n")
        losses = profile.report["losses"]
        self.assertGreaterEqual(losses["overflows"], 300000 - 262144)
        after = sum(count for stack, count in profile.stacks()
                    if stack == ["<main>", "after", "burn_ns"])
        self.assertGreater(after, 20)
        dive = sum(count for stack, count in profile.stacks()
                   if "dive" in stack)
        self.assertGreater(dive, 20)
        self.assertGreaterEqual(losses["stacks_truncated"], 20)

    def test_what_is_paused_is_left_out(self):
        with tempfile.TemporaryDirectory() as directory:
            program = pathlib.Path(directory) / "paused.toy"
            program.write_text(PAUSED)
            profile = Profile(program)
        self.assertEqual(profile.output, "true\ntrue false\n")
        count = {"seen": 0, "hidden": 0}
        for stack, samples in profile.stacks():
            for name in count:
                count[name] += samples * (name in stack)
        self.assertGreater(count["seen"], 20)
        self.assertLessEqual(count["hidden"], 1)


class Lines(unittest.TestCase):
    def test_time_is_found_on_the_line_that_called(self):
        with tempfile.TemporaryDirectory() as directory:
            program = pathlib.Path(directory) / "lines.toy"
            program.write_text(LINES)
            lines = Profile(program).report["lines"]
        total = {(line["function"], line.get("line")): line["total_ns"]
                 for line in lines if line["total_ns"] > 0}
        burnt = total["burn", 2] + total["burn", 3]
        self.assertAlmostEqual(total["burn", 2] / burnt, 0.75, delta=0.05)
        # Time in the kernel may be charged to main, as burn was entered since.
        kernel = sum(ns for (name, _), ns in total.items()
                     if name == "[system calls]")
        self.assertGreaterEqual(total["<main>", 6], burnt)
        self.assertLessEqual(total["<main>", 6] - kernel, burnt * 1.02)
        self.assertGreater(burnt, 0.35e9)
        self.assertLess(burnt, 0.6e9)


class Shares(unittest.TestCase):
    def check(self, threads, interval=0.001, delta=3):
        profile = Profile(PROGRAMS / "shares.toy", 2, threads,
                          options=["--truth", "--interval", interval])
        truth = json.loads(profile.output.splitlines()[-1])
        shares = profile.shares()
        # What interrupts take at such rates is nobody's.
        known = 100 - shares.get("[no poll]", 0)
        self.assertGreater(known, 90)
        for function in truth["functions"]:
            if function["share"] > 0.03:
                with self.subTest(function["function"]):
                    self.assertAlmostEqual(shares[function["function"]],
                                           function["share"] * known, delta=delta)

    def test_one_thread_spends_its_time_where_the_clock_says(self):
        self.check(1)

    def test_four_threads_spend_their_time_where_the_clock_says(self):
        self.check(4)

    def test_a_native_function_has_its_time_from_who_polls_often(self):
        with tempfile.TemporaryDirectory() as directory:
            program = pathlib.Path(directory) / "turns.toy"
            program.write_text(TURNS)
            profile = Profile(program, options=["--truth"])
        truth = {f["function"]: 100 * f["share"] for f in
                 json.loads(profile.output.splitlines()[-1])["functions"]}
        self.assertAlmostEqual(profile.shares()["burn_ns"], truth["burn_ns"],
                               delta=8)

    def test_shares_are_right_at_10_and_100_khz(self):
        for threads in (1, 4):
            for interval in (0.0001, 0.00001):
                self.check(threads, interval, delta=1.5)


unittest.main()
