#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Bytecodes and types of the toy VM, compared with what it counts itself."""

import collections
import json
import pathlib
import tempfile
import unittest

import toyvm

PROGRAM = """\
fn add(a, b) { return a + b }
fn numbers(n) { for i in 0..n { yield(i) } return 0 }
fn fails(x) { return x.missing }
fn quarter(n) { return n * 1.0 / 4 }
let s = 0
for i in 0..1000 { s = add(s, i) }
for i in 0..100 { s = add(1.5, i) }
for i in 0..10 { s = add("a", "b") }
for i in 0..7 { try { add([1], nil) } catch e { s = e } }
for i in 0..5 { try { fails(nil) } catch e { s = e } }
let c = spawn(numbers, 30)
while not done(c) { resume(c, nil) }
let t = thread_start(add, 20, 22)
s = thread_join(t)
set_profile_interp(false)
for i in 0..1000 { s = quarter(i) }
set_profile_interp(true)
let o = {x: 1, y: "two"}
let l = [o, o.x, o.y]
l[0] = l[1]
if not (l[2] == o.y) { throw "different" }
"""


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def counted(path):
    """Typed, by (function, offset, line, types), and untyped, by function."""
    typed, untyped = collections.Counter(), collections.Counter()
    for row in lines(path):
        if row["types"]:
            typed[row["function"], row["offset"], row["line"],
                  tuple(row["types"])] += row["count"]
        else:
            untyped[row["function"]] += row["count"]
    return typed, untyped


def profiled(path, figure="count"):
    typed, untyped = collections.Counter(), collections.Counter()
    for row in lines(path):
        name, number = row["normal"]["func_qualname"], row["int"]
        if "normvector" in row:
            typed[name, number["bc_offset"], number["lineno"],
                  tuple(row["normvector"]["types"])] += number[figure]
        else:
            untyped[name] += number[figure]
    return typed, untyped


class Types(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def run_toy(self, source, *options):
        (self.directory / "test.toy").write_text(source)
        done = toyvm.run("--types", self.directory / "types",
                         "--types-truth", self.directory / "truth",
                         *options, self.directory / "test.toy")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_every_count_and_tuple_is_exact(self):
        self.run_toy(PROGRAM, "-X", "jit-profile-interp")
        typed, untyped = counted(self.directory / "truth")
        self.assertEqual(profiled(self.directory / "types"), (typed, untyped))
        self.assertGreater(len(typed), 30)
        # Those of the program above that are to be had from its text.
        adds = {types: count for (name, _, line, types), count
                in typed.items() if (name, line) == ("add", 1)}
        self.assertEqual(adds, {("int", "int"): 1001, ("float", "int"): 100,
                                ("string", "string"): 10, ("list", "nil"): 7})
        self.assertFalse(any(name == "quarter" for name, *_ in typed))

    def test_what_overflows_is_other_and_adds_up(self):
        self.run_toy("""\
fn same(a, b) { return a == b }
let all = [1, 2.5, "three", nil, true, [], same]
for i in 0..60 { for j in 0..len(all) { same(all[j], nil) } }
""", "-X", "jit-profile-interp")
        typed, _ = profiled(self.directory / "types")
        sames = {types: count for (name, _, _, types), count in typed.items()
                 if name == "same"}
        self.assertEqual(sames, {("int", "nil"): 60, ("float", "nil"): 60,
                                 ("string", "nil"): 60, ("nil", "nil"): 60,
                                 ("<other>",): 180})

    def test_scaled_counts_agree_at_other_periods(self):
        # A loop of 10 and more instructions, all of whose periods divide.
        source = "let s = 0\nfor i in 0..60000 { s = s + i * 3 % 7 }\n"
        for period in (7, 10, 100):
            self.run_toy(source, "-X", "jit-profile-interp", "-X",
                         f"jit-profile-interp-period={period}", "-X",
                         "jit-profile-interp-jitter")
            typed, untyped = counted(self.directory / "truth")
            found, others = profiled(self.directory / "types", "bytecodes")
            hits = profiled(self.directory / "types")[0]
            for place, count in typed.items():
                if count > 1000:
                    # Five deviations; hits of a jittered period vary less.
                    most = 5 * count / (count / period) ** 0.5
                    self.assertAlmostEqual(found[place], count, delta=most,
                                           msg=(period, place, hits[place]))
            total = sum(typed.values()) + sum(untyped.values())
            self.assertAlmostEqual(sum(found.values()) + sum(others.values()),
                                   total, delta=2 * period)

    def test_without_jitter_every_nth_is_a_hit(self):
        source = """\
fn fails(i) {
    if i % 3 == 0 and i % 2 == 0 or i == 5 { throw i }
    return 1 + (nil + i)
}
fn counts(to) { for i in 0..to { yield(i) } }
let caught = 0
for i in 0..2000 {
    try { fails(i) } catch e { caught = caught + 1 }
}
let c = spawn(counts, 500)
while not done(c) { resume(c, nil) }
print(caught, len(map_all([3, 1, 2])))
fn map_all(list) {
    let all = []
    for i in 0..len(list) { push(all, list[i] * 2) }
    return all
}
"""
        for period in (1, 2, 13, 100, 1000):
            self.run_toy(source, "-X", "jit-profile-interp", "-X",
                         f"jit-profile-interp-period={period}")
            run = sum(sum(found.values())
                      for found in counted(self.directory / "truth"))
            hits = sum(sum(found.values())
                       for found in profiled(self.directory / "types"))
            self.assertGreater(run, 50000)
            self.assertEqual(hits, run // period, period)

    def test_events_told_on_the_way_change_no_count(self):
        source = """\
fn fails(i) { if i % 3 == 0 { throw i } return i * 2 }
let caught = 0
for i in 0..3000 {
    set_profile_interp(i % 7 != 0)
    try { fails(i) } catch e { caught = caught + 1 }
}
set_profile_interp(true)
print(caught)
"""
        told = []
        for period in (1, 2, 13, 100):
            (self.directory / "test.toy").write_text(source)
            done = toyvm.run(
                "--types", self.directory / "types", "--types-truth",
                self.directory / "truth", "-X", "jit-profile-interp", "-X",
                f"jit-profile-interp-period={period}", "-X",
                "events=call,line,back_edge,branch_taken,raise",
                self.directory / "test.toy")
            self.assertEqual((done.returncode, done.stdout), (0, "1000\n"))
            run, hits = (sum(sum(found.values()) for found in
                             way(self.directory / file))
                         for way, file in ((counted, "truth"),
                                           (profiled, "types")))
            self.assertGreater(run, 20000)
            self.assertEqual(hits, run // period, period)
            told.append(done.stderr)
        # Whichever loop runs, and where one takes over from another.
        self.assertEqual(len(set(told)), 1)
        plain = toyvm.run("-X", "events=call,line,back_edge,branch_taken,raise",
                          self.directory / "test.toy")
        self.assertEqual(plain.stderr.count("\n"), told[0].count("\n"))

    def test_floats_and_other_types_of_a_place_are_told_apart(self):
        self.run_toy("""\
fn add(a, b) { return a + b }
fn less(a, b) { return a < b }
let pairs = [[1, 2], [1.5, 2.5], [1, 2.5]]
for i in 0..300 {
    let pair = pairs[i % 3]
    add(pair[0], pair[1])
    less(pair[0], pair[1])
    not i
    not (i == 2)
    let n = 0 - pair[0]
}
""", "-X", "jit-profile-interp")
        typed, untyped = counted(self.directory / "truth")
        self.assertEqual(profiled(self.directory / "types"), (typed, untyped))
        for name in ("add", "less"):
            self.assertEqual({types: n for (of, _, _, types), n
                              in typed.items() if of == name},
                             {("int", "int"): 100, ("float", "float"): 100,
                              ("int", "float"): 100})

    def test_programs_profile_themselves(self):
        out = self.run_toy("""\
fn work(n) { return n + 1 }
print(set_profile_interp(true))
work(1)
set_profile_interp(false)
let rows = get_and_clear_type_profiles()
for i in 0..len(rows) { print(rows[i]) }
print(len(get_and_clear_type_profiles()))
set_profile_interp(true)
work(2)
set_profile_interp(false)
clear_type_profiles()
print(len(get_and_clear_type_profiles()))
profile_calls(work, 2)
for i in 0..10 { work(i) }
rows = get_and_clear_type_profiles()
for i in 0..len(rows) { print(rows[i]) }
try { set_profile_interp_period(0) } catch e { print(e) }
set_profile_interp_period(5)
set_profile_interp_all(true)
set_profile_interp_all(false)
try { profile_calls(7, 1) } catch e { print(e) }
""").splitlines()
        self.assertEqual(out[0], "false")
        rows = [json.loads(line) for line in out if line.startswith("{")]
        others = [line for line in out[1:] if not line.startswith("{")]
        self.assertEqual(others, ["0", "0", "not a period: bad argument",
                                  "profile_calls needs a function, "
                                  "this is a int"])
        adds = [row for row in rows
                if row["normal"]["func_qualname"] == "work"
                and row["normal"].get("opname") == "ADD"]
        self.assertEqual([row["int"]["count"] for row in adds], [1, 2])
        # Of the candidate nothing but its two calls, and all of these.
        after = rows[rows.index(adds[1]):]
        self.assertEqual({row["normal"]["func_qualname"] for row in after},
                         {"work"})
        self.assertEqual(sum(row["int"]["count"] for row in after), 2 * 4)

    def test_candidates_are_told_from_what_they_call_and_who_calls_them(self):
        for function, count in (("leaf", 6), ("inner", 3), ("thrower", 3),
                                ("generator", 3)):
            self.run_toy(f"""\
fn leaf(x) {{ return x * 2 }}
fn inner(x) {{ return leaf(x) + leaf(x) }}
fn thrower(x) {{ leaf(x) throw leaf(x) }}
fn generator(x) {{ yield(leaf(x)) yield(leaf(x)) return leaf(x) }}
fn all(x) {{
    inner(x)
    try {{ thrower(x) }} catch e {{ leaf(e) }}
    let g = spawn(generator, x)
    while not done(g) {{ resume(g, nil) }}
}}
profile_calls({function}, {count})
for i in 0..20 {{ all(i) }}
print("done")
""")
            typed, untyped = profiled(self.directory / "types")
            names = {place[0] for place in typed} | set(untyped)
            self.assertEqual(names, {function})
            calls = [n for (_, _, _, types), n in typed.items()
                     if types in (("int", "int"), ("function", "int"))]
            self.assertTrue(calls)
            self.assertTrue(all(n == count for n in calls), typed)

    def test_wrong_options_are_refused(self):
        for option in ("jit-profile-interp-period=0", "jit",
                       "jit-profile-interp-period=-1",
                       "jit-profile-interp-period=7x",
                       "jit-profile-interp-period="):
            done = toyvm.run("-X", option, "none.toy")
            self.assertEqual(done.returncode, 2, option)
            self.assertIn("toyvm: ", done.stderr)

    def test_rows_are_in_the_file_of_a_session(self):
        profile = self.directory / "profile"
        (self.directory / "test.toy").write_text(PROGRAM)
        done = toyvm.run("--profile", profile, "-X", "jit-profile-interp",
                         self.directory / "test.toy")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"GET_INDEX", profile.read_bytes())


unittest.main(verbosity=2)
