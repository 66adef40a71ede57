#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof convert --to callgrind and lcov."""

import re
import shutil
import subprocess
import unittest

from common import (MAIN, WORK, demo, path, session, tap, text, vmprof,
                    vmprof_file, write)


def convert(data, name):
    return text("convert", "--to", name, "-o", "-", write(data))


def callgrind(data):
    """By function: its costs, and by callee calls and costs."""
    names, costs, edges = {}, {}, {}
    caller = callee = None
    number = None

    def name(value):
        ident, rest = re.fullmatch(r"\((\d+)\)(?: (.*))?", value).groups()
        names.setdefault(ident, rest)
        return names[ident]

    for line in convert(data, "callgrind").splitlines():
        key, _, value = line.partition("=")
        if key == "fn":
            caller = name(value)
        elif key == "cfn":
            callee = name(value)
        elif key == "calls":
            number = int(value.split()[0])
        elif re.match(r"\d", line):
            cost = [int(word) for word in line.split()[1:]]
            if number is None:
                costs[caller] = cost
            else:
                edges[caller, callee] = (number, cost)
            number = None
    return costs, edges


class Callgrind(unittest.TestCase):
    def test_calls_are_those_that_were_counted(self):
        costs, edges = callgrind(demo())
        self.assertEqual(costs, {"main": [100, 1], "work": [700, 42],
                                 "other": [100, 5], "[outside]": [0, 0]})
        self.assertEqual(edges, {("[outside]", "main"): (1, [900, 1]),
                                 ("main", "work"): (40, [750, 40]),
                                 ("work", "work"): (2, [50, 2]),
                                 ("work", "other"): (5, [100, 5])})

    def test_samples_know_no_calls_and_say_so(self):
        data = vmprof_file.demo().bytes()
        costs, edges = callgrind(data)
        self.assertIn("unknown to samples", convert(data, "callgrind"))
        self.assertTrue(edges)
        self.assertEqual({number for number, _ in edges.values()}, {1})
        self.assertEqual({len(cost) for cost in costs.values()}, {1})
        total = sum(cost[0] for cost in costs.values())
        for _, (_, cost) in edges.items():
            self.assertLessEqual(cost[0], total)

    @unittest.skipUnless(shutil.which("callgrind_annotate"),
                         "callgrind_annotate is not there")
    def test_callgrind_annotate_finds_the_same(self):
        write(demo())
        with open(path("demo.callgrind"), "w", encoding="utf-8") as file:
            file.write(convert(demo(), "callgrind"))
        done = subprocess.run(
            ["callgrind_annotate", "--tree=caller", "--threshold=100",
             path("demo.callgrind")], stdout=subprocess.PIPE, check=True,
            stderr=subprocess.PIPE, timeout=60)
        tree = done.stdout.decode()
        self.assertRegex(tree, r"750 .* < a.toy:main \(40x\)")
        self.assertRegex(tree, r"700 .* \*  a.toy:work")
        self.assertRegex(tree, r"900 .*PROGRAM TOTALS")

    def test_names_stay_on_their_line(self):
        data = session(lambda s: s.codes([(9, "toy:a\nfn=(1) b:1:c\nd.toy")]),
                       lambda s: s.calls([(9, 9, 1, 0, 1, 1)]))
        costs, _ = callgrind(data)
        self.assertEqual(len(costs), 1)


class Lcov(unittest.TestCase):
    def test_lines_and_functions_are_there_with_their_calls(self):
        self.assertEqual(convert(demo(), "lcov").splitlines(), [
            "TN:", "SF:a.toy", "FN:1,main", "FNDA:1,main", "FN:10,work",
            "FNDA:42,work", "FNF:2", "FNH:2", "DA:2,1", "DA:3,0", "DA:11,1",
            "DA:12,0", "DA:13,0", "LF:5", "LH:2", "end_of_record",
            "TN:", "SF:b.toy", "FN:5,other", "FNDA:5,other", "FNF:1", "FNH:1",
            "DA:6,1", "LF:1", "LH:1", "end_of_record"])

    def test_without_calls_a_function_ran_if_a_line_did(self):
        data = session(lambda s: s.lines([(MAIN, 2, 1), (WORK, 11, 0)]))
        lines = convert(data, "lcov").splitlines()
        self.assertIn("FNDA:1,main", lines)
        self.assertIn("FNDA:0,work", lines)
        self.assertIn("FNH:1", lines)

    def test_a_name_that_lcov_cannot_hold_is_said_once(self):
        def names(s):
            s.codes([(20, 'toy:f:1:a\n"b".toy'), (21, 'toy:g:2:a\n"b".toy'),
                     (22, "toy:h\x1b:1:\\ü.toy")])
            s.lines([(20, 2, 1), (21, 3, 1), (22, 4, 1)])

        done = vmprof("convert", "--to", "lcov", "-o", "-",
                      write(session(names)))
        self.assertEqual(done.stderr.decode().splitlines(), [
            r'vmprof: the file "a\n\"b\".toy" is called "a' "\ufffd"
            r'\"b\".toy": lcov has no way to write its name',
            "vmprof: names of functions that lcov has no way to write, and that "
            "are changed: 1"])
        self.assertEqual([line for line in done.stdout.decode().splitlines()
                          if line.startswith("SF:")],
                         ["SF:\\ü.toy", 'SF:a\ufffd"b".toy'])

    def test_more_names_than_one_reads_are_counted(self):
        def names(s):
            s.codes([(20 + i, f"toy:f:1:a\n{i}") for i in range(11)])
            s.lines([(20 + i, 2, 1) for i in range(11)])

        done = vmprof("convert", "--to", "lcov", "-o", "-",
                      write(session(names)))
        self.assertEqual(done.stderr.count(b"\n"), 9)
        self.assertIn(b"so are 3 more files", done.stderr)

    @unittest.skipUnless(shutil.which("genhtml"), "genhtml is not there")
    def test_genhtml_finds_the_same_lines(self):
        source = path("ü \\ é.toy")
        with open(source, "w", encoding="utf-8") as file:
            file.write("one\ntwo\nthree\n")
        with open(path("demo.info"), "w", encoding="utf-8") as file:
            file.write(convert(session(
                lambda s: s.codes([(20, "toy:f:1:" + source)]),
                lambda s: s.lines([(20, 2, 1), (20, 3, 0)])), "lcov"))
        done = subprocess.run(
            ["genhtml", "-o", path("html"), path("demo.info")], timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, rb"lines\.*: 50.0% \(1 of 2 lines\)")
        self.assertRegex(done.stdout, rb"functions\.*: 100.0% \(1 of 1")

    def test_a_file_without_lines_is_an_error(self):
        done = vmprof("convert", "--to", "lcov", "-o", "-", write(session()))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"record --tool coverage", done.stderr)


if __name__ == "__main__":
    tap.main()
