#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof diff: what became of the sites of a profile."""

import json
import unittest

from common import (ADD, FLOAT, INT, STR, profile, site, tap, text, vmprof,
                    vmprof_file, write)

CODES = [(1, "toy:main:1:demo.toy"), (2, "toy:work:10:demo.toy")]


def add(tuples, code=2, place=5, code_hash=77, **more):
    return site(code, (place, 1), 11, ADD, code_hash, tuples=tuples, **more)


def files(before, after, **how):
    return (write(profile(before, **how), "before.vmprof"),
            write(profile(after, **how), "after.vmprof"))


def diff(before, after, *options, codes=None):
    first = write(profile(before), "before.vmprof")
    second = write(profile(after, codes=codes), "after.vmprof")
    return json.loads(text("diff", "--json", *options, first, second))


def change(before, after, *options, codes=None):
    """What became of the only site: "same" if nothing did."""
    found = diff(before, after, *options, codes=codes)
    (what,) = [key for key, count in found["summary"].items() if count]
    if found["changes"]:
        assert [c["change"] for c in found["changes"]] == [what]
    return what


ONE, TWO = [((INT,), 100)], [((INT,), 60), ((STR,), 40)]
MANY = [((i, j), 10) for i in range(1, 4) for j in range(1, 4)]


class Sites(unittest.TestCase):
    def test_more_types_and_fewer_are_found(self):
        for before, after in ((ONE, TWO), (TWO, MANY), (ONE, MANY)):
            self.assertEqual(change([add(before)], [add(after)]), "more")
            self.assertEqual(change([add(after)], [add(before)]), "fewer")
        self.assertEqual(change([add(ONE)], [add(ONE, other=50)]), "more")

    def test_other_shares_are_found(self):
        shifted = [((INT,), 50), ((STR,), 50)]
        self.assertEqual(change([add(TWO)], [add(shifted)]), "shares")
        self.assertEqual(change([add(TWO)], [add(shifted)], "--points", "10.5"),
                         "same")
        self.assertEqual(change([add(ONE)], [add([((STR,), 100)])]), "shares")

    def test_the_same_is_no_change(self):
        more = [((INT,), 6000), ((STR,), 4000)]
        self.assertEqual(change([add(TWO)], [add(more)]), "same")
        self.assertEqual(change([add(TWO)], [add(TWO)], "--points", "0"),
                         "same")

    def test_new_and_gone_sites_are_found(self):
        unseen = add([])
        self.assertEqual(change([unseen], [add(ONE)]), "new")
        self.assertEqual(change([add(ONE)], [unseen]), "gone")
        self.assertEqual(change([site(1, untyped=1)], [add(ONE)]), "new")
        self.assertEqual(change([add(ONE)], [site(1, untyped=1)]), "gone")
        self.assertEqual(change([add([], untyped=3)], [add(ONE)]), "new")

    def test_sites_of_too_few_hits_are_only_counted(self):
        few, many = [((INT,), 9)], [((INT,), 9), ((STR,), 50)]
        self.assertEqual(change([add(few, bytecodes=900)],
                                [add(many, bytecodes=5900)]), "too_few_hits")
        self.assertEqual(change([add(few, bytecodes=900)],
                                [add(many, bytecodes=5900)],
                                "--min-hits", "9"), "more")
        # Where every bytecode was a hit, few are all there were.
        self.assertEqual(change([add(few)], [add(many)]), "more")

    def test_shares_that_chance_may_have_made_are_the_same(self):
        def sampled(first, second):
            return add([((INT,), first), ((STR,), second)],
                       bytecodes=100 * (first + second))

        self.assertEqual(change([sampled(20, 20)], [sampled(25, 15)]), "same")
        self.assertEqual(change([sampled(2000, 2000)], [sampled(2500, 1500)]),
                         "shares")
        self.assertEqual(change([add([((INT,), 50)], bytecodes=5000)],
                                [sampled(980, 20)]), "too_few_hits")
        self.assertEqual(change([add([((INT,), 5000)], bytecodes=500000)],
                                [sampled(980, 20)]), "more")

    def test_sites_that_a_period_may_have_missed_are_not_gone(self):
        rare = add([((INT,), 500)], place=9)
        often = add([((INT,), 1000)], bytecodes=100000)
        found = diff([add(ONE), rare], [often])["summary"]
        self.assertEqual((found["too_few_hits"], found["gone"]), (1, 0))
        rare = add([((INT,), 5000)], place=9)
        found = diff([add(ONE), rare], [often])["summary"]
        self.assertEqual((found["too_few_hits"], found["gone"]), (0, 1))

    def test_types_are_told_apart_by_name_whatever_their_order(self):
        first = write(profile([add([((1, 2), 5)])], words=["a", "b", "c", "OP"]),
                      "a.vmprof")
        second = write(profile([add([((3, 1), 5)])],
                               words=["b", "c", "a", "OP"]), "b.vmprof")
        found = json.loads(text("diff", "--json", first, second))
        self.assertEqual(found["summary"]["same"], 1)


class Codes(unittest.TestCase):
    def test_code_that_moved_is_joined_by_its_hash(self):
        for name in ("toy:work:30:demo.toy", "toy:work:10:new.toy",
                     "toy:renamed:10:demo.toy"):
            self.assertEqual(
                change([add(ONE)], [add(TWO)], codes=[(2, name)]), "more",
                name)

    def test_code_without_a_hash_is_joined_by_its_name(self):
        self.assertEqual(change([add(ONE, code_hash=None)],
                                [add(TWO, code_hash=None)]), "more")
        self.assertEqual(change([add(ONE, code_hash=None)], [add(TWO)]),
                         "more")
        found = diff([add(ONE, code_hash=None)], [add(ONE, code_hash=None)],
                     codes=[(2, "toy:other:10:demo.toy")])
        self.assertEqual((found["summary"]["new"], found["summary"]["gone"]),
                         (1, 1))

    def test_sites_of_code_that_changed_are_told_by_line_and_opcode(self):
        def two(first, second, shift, code_hash):
            return [add(tuples, place=5 + shift + i, code_hash=code_hash)
                    for i, tuples in enumerate((first, second))]

        found = diff(two(ONE, ONE, 0, 77), two(TWO, ONE, 9, 78),
                     codes=[(2, "toy:work:10:elsewhere/demo.toy")])
        self.assertEqual(found["summary"]["changed_functions"], 1)
        (function,) = found["changed_functions"]
        self.assertEqual((function["before"]["code_hash"],
                          function["after"]["code_hash"]), (77, 78))
        (changed,) = found["changes"]
        self.assertEqual(
            (changed["change"], changed["code_changed"],
             changed["before"]["offset"], changed["after"]["offset"]),
            ("more", True, 5, 14))
        # One more of them: nobody can tell which is which.
        found = diff(two(ONE, ONE, 0, 77), two(TWO, ONE, 9, 78) +
                     [add(TWO, place=30, code_hash=78)])
        self.assertEqual(found["changes"], [])

    def test_functions_of_one_name_are_told_by_their_lines(self):
        codes = [(1, "toy:f:1:a.toy"), (2, "toy:f:10:a.toy")]
        before = profile([add(ONE, 1, code_hash=None),
                          add(TWO, 2, code_hash=None)], codes=codes)
        after = profile([add(ONE, 2, code_hash=None),
                         add(TWO, 1, code_hash=None)],
                        codes=[(2, codes[0][1]), (1, codes[1][1])])
        found = json.loads(text("diff", "--json", write(before, "a"),
                                write(after, "b")))
        self.assertEqual(found["summary"]["same"], 2)

    def test_both_versions_of_a_code_in_one_file_find_theirs(self):
        rows = [add(ONE, code_hash=1), add(TWO, code_hash=2)]
        self.assertEqual(diff(rows, rows[::-1])["summary"]["same"], 2)


class Text(unittest.TestCase):
    def test_it_reads_like_this(self):
        first, second = files(
            [add([((INT, INT), 1000)]), add(TWO, place=7)],
            [add([((INT, INT), 812), ((FLOAT, INT), 188)]),
             add([((STR,), 30)], place=8)])
        shown = text("diff", first, second).splitlines()
        self.assertEqual(shown, [
            f"Before    {first}: 1,100 hits for 1,100 bytecodes, 1 functions",
            f"After     {second}: 1,030 hits for 1,030 bytecodes, 1 functions",
            "Sites     1 met more types, 0 fewer, 0 others or in other shares, "
            "1 only after, 1 only before, 0 as before",
            "",
            "Met more types",
            "work (demo.toy:10), line 11, ADD at 5: mono -> poly, "
            "1,000 -> 1,000 bytecodes",
            "     100.0% ->   81.2%  (int, int)",
            "          - ->   18.8%  (float, int)",
            "",
            "Met types only after",
            "work (demo.toy:10), line 11, ADD at 8: not there -> mono, "
            "0 -> 30 bytecodes",
            "          - ->  100.0%  str",
            "",
            "Met types only before",
            "work (demo.toy:10), line 11, ADD at 7: poly -> not there, "
            "100 -> 0 bytecodes",
            "      60.0% ->       -  int",
            "      40.0% ->       -  str"])

    def test_a_limit_and_a_pattern_leave_things_out(self):
        before = [add(ONE, place=i) for i in range(30)]
        after = [add(TWO, place=i) for i in range(30)]
        first, second = files(before, after)
        self.assertIn("and 10 more; --limit 0 shows all",
                      text("diff", first, second))
        self.assertIn("and 29 more", text("diff", "-n", "1", first, second))
        self.assertNotIn("ADD at", text("diff", "-f", "main", first, second))
        self.assertIn("ADD at 29:", text("diff", "-n", "0", first, second))

    def test_errors_are_told(self):
        good = write(vmprof_file.types_demo().bytes(), "good")
        plain = write(vmprof_file.demo().bytes(), "plain")
        for status, wanted, *arguments in (
                (2, b"it takes two files", good),
                (2, b"only one file can be standard input", "-", "-"),
                (2, b"--points is from 0 to 100", "--points", "x", good, good),
                (1, b"plain has no type rows", good, plain)):
            done = vmprof("diff", *arguments)
            self.assertEqual(done.returncode, status)
            self.assertIn(wanted, done.stderr)


if __name__ == "__main__":
    tap.main()
