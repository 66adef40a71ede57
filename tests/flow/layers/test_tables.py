#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof events --counters, --coverage and --callgraph."""

import unittest

from common import (MAIN, OTHER, WORK, CALL, LINE, calls, counts, coverage,
                    demo, events, path, session, tap, text, vmprof, write)


class Json(unittest.TestCase):
    def test_rows_that_come_again_add_up(self):
        self.assertEqual(counts(demo()), {("main", CALL): 1,
                                          ("work", CALL): 42,
                                          (None, LINE): 7})
        self.assertEqual(calls(demo()), {("main", None): (1, 0),
                                         ("work", "main"): (40, 3),
                                         ("work", "work"): (2, 0),
                                         ("other", "work"): (5, 0)})

    def test_a_line_that_has_run_once_has_run(self):
        self.assertEqual(coverage(demo()), {"a.toy": ([2, 11], [3, 12, 13]),
                                            "b.toy": ([6], [])})

    def test_two_processes_in_a_file_are_one_table(self):
        both = demo(1) + demo(2)
        self.assertEqual(counts(both)["work", CALL], 84)
        self.assertEqual(calls(both)["work", "main"], (80, 6))
        self.assertEqual(coverage(both), coverage(demo()))

    def test_sums_and_losses_are_there(self):
        graph = events(demo(), "--callgraph")
        work = {row["function"]: row for row in graph["calls"]}["work"]
        self.assertEqual((work["calls"], work["resumes"], work["self_ns"],
                          work["inclusive_ns"]), (42, 3, 700, 750))
        self.assertEqual((graph["lost_calls"], graph["unmatched_returns"],
                          graph["abandoned_calls"]), (3, 2, 1))
        self.assertEqual(events(demo(), "--counters")["lost_events"], 7)
        self.assertEqual(events(demo(), "--coverage")["lost_lines"], 2)

    def test_what_is_not_asked_for_is_not_there(self):
        self.assertNotIn("calls", events(demo(), "--counters"))
        both = events(demo(), "--counters", "--callgraph")
        self.assertIn("calls", both)
        self.assertIn("counts", both)

    def test_without_times_there_are_none(self):
        data = session(lambda s: s.calls([(0, MAIN, 1, 0, 0, 0),
                                          (MAIN, WORK, 9, 0, 0, 0)]))
        for row in events(data, "--callgraph")["calls"]:
            self.assertNotIn("self_ns", row)


class Text(unittest.TestCase):
    def test_counts_are_listed_the_most_first(self):
        lines = text("events", "--counters", write(demo())).splitlines()
        self.assertEqual([line.split()[:3] for line in lines[2:5]],
                         [["42", "call", "work"], ["7", "line", "(of"],
                          ["1", "call", "main"]])
        self.assertIn("7 events had no room", "\n".join(lines))

    def test_coverage_says_what_has_not_run(self):
        table = text("events", "--coverage", write(demo()))
        self.assertRegex(table, r"2 +5 +40.0%  a.toy  not: 3, 12-13")
        self.assertRegex(table, r"1 +b.toy\n")
        lines = [(WORK, n, n in (4, 9)) for n in range(4, 13)]
        table = text("events", "--coverage",
                     write(session(lambda s: s.lines(lines))))
        self.assertRegex(table, r"2 +9 +22.2%  a.toy  not: 5-8, 10-12")

    def test_a_source_is_annotated(self):
        with open(path("b.toy"), "w", encoding="utf-8") as file:
            file.write("".join(f"line {i}\n" for i in range(1, 8)))
        table = text("events", "--coverage", "--annotate", path("b.toy"),
                     write(demo())).splitlines()
        self.assertEqual(table[5], "      6  +  line 6")
        self.assertEqual(table[6], "      7     line 7")
        named = text("events", "--coverage", "--annotate", path("b.toy"),
                     "--source-name", "a.toy", write(demo())).splitlines()
        self.assertEqual(named[1:3], ["      2  +  line 2",
                                      "      3  -  line 3"])

    def test_a_source_that_is_not_there_is_an_error(self):
        for options in (["--annotate", "/nowhere/a.toy"],
                        ["--annotate", "x.c"],
                        ["--annotate", "a.toy", "--source-name", "y"]):
            done = vmprof("events", "--coverage", *options, write(demo()))
            self.assertEqual(done.returncode, 1)
            self.assertTrue(done.stderr)

    def test_the_graph_has_callers_below_each_function(self):
        table = text("events", "--callgraph", write(demo())).splitlines()
        at = next(i for i, line in enumerate(table) if " work (a.toy:10)" in line
                  and "from" not in line)
        self.assertEqual(table[at].split()[:2], ["42", "3"])
        self.assertRegex(table[at + 1], r"40 +3 +from main \(a.toy:1\)")
        self.assertRegex(table[at + 2], r"2 +from work \(a.toy:10\)")
        self.assertIn("from outside", "\n".join(table))

    def test_names_cannot_act_on_a_terminal(self):
        s = session(lambda s: s.codes([(9, "toy:\x1b[31mred:1:\x1b]0;x.toy")]),
                    lambda s: s.lines([(9, 1, 1)]),
                    lambda s: s.event_counts([(9, CALL, 1)]),
                    lambda s: s.calls([(9, 9, 1, 0, 1, 1)]))
        table = text("events", "--counters", "--coverage", "--callgraph",
                     write(s))
        self.assertNotIn("\x1b", table)


class Wrong(unittest.TestCase):
    def test_a_file_without_rows_says_what_makes_them(self):
        for option, tool in (("--counters", "counters"),
                             ("--coverage", "coverage"),
                             ("--callgraph", "callgraph")):
            done = vmprof("events", option, write(session()))
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"record --tool {tool}".encode(), done.stderr)

    def test_options_that_would_do_nothing_are_mistakes(self):
        for options in (["--annotate", "x"], ["--coverage", "--source-name=x"],
                        ["--coverage", "--annotate=x", "--json"],
                        ["--counters", "--kind=call"],
                        ["--callgraph", "--ndjson"]):
            done = vmprof("events", *options, write(demo()))
            self.assertEqual(done.returncode, 2, options)

    def test_tools_that_there_are_not_are_refused(self):
        for tools in ("covrage", "coverage,", ",", "", "coverage,x"):
            done = vmprof("record", "--tool", tools, "true")
            self.assertEqual(done.returncode, 2, tools)
        done = vmprof("record", "--tool=coverage", "--format=vmprof-log", "true")
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    tap.main()
