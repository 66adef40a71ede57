#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Frames of traces, and of what is inlined in them, in reports and exports."""

import json
import unittest

import common as c
from common import f


def stacks(data):
    rows = c.text("convert", c.write(data), "--to", "collapsed", "-o",
                  "-").splitlines()
    return {row.rsplit(" ", 1)[0]: int(row.rsplit(" ", 1)[1]) for row in rows}


def inlined(frames, nodes, places=None, positions=None):
    """A loop of work, which inlines leaf, which inlines main."""
    s = c.session()
    s.traces(
        f.places(c.LOOP, places or [(2, 4, 11, 0), (3, 5, 21, 1),
                                    (1, 6, 2, 2)]),
        f.positions(c.LOOP, positions or [(0, 0), (10, 1), (20, 2), (30, 0)]))
    s.frames(1, frames)
    s.nodes(1, nodes)
    s.samples(0, [(node, node, node) for node in range(1, len(nodes) + 1)])
    return s.bytes()


MAIN, WORK = (1, 1, 2, None), (2, 1, 11, None)


def at(offset, trace=c.LOOP):
    return (trace, f.TRACE, None, offset)


class Frames(unittest.TestCase):
    def test_what_is_inlined_at_an_offset_is_on_top_of_the_trace(self):
        data = inlined([WORK, at(0), at(9), at(10), at(29), at(30)],
                       [(0, 1), (1, 2), (1, 3), (1, 4), (1, 5), (1, 6)])
        self.assertEqual(stacks(data), {
            "work": 1, "work;loop": 2 + 3 + 6, "work;loop;leaf": 4,
            "work;loop;leaf;main": 5})

    def test_the_outermost_place_is_shown_if_it_is_not_beneath(self):
        data = inlined([MAIN, at(5), at(15)], [(0, 1), (1, 2), (1, 3), (0, 2)])
        self.assertEqual(stacks(data), {
            "main": 1, "main;loop;work": 2, "main;loop;work;leaf": 3,
            "loop;work": 4})

    def test_what_a_trace_calls_is_on_top_of_what_called_it(self):
        data = inlined([WORK, at(15), MAIN], [(0, 1), (1, 2), (2, 3)])
        self.assertEqual(stacks(data)["work;loop;leaf;main"], 3)

    def test_the_line_is_that_of_the_offset(self):
        data = inlined([WORK, at(2), at(12)], [(0, 1), (1, 2), (1, 3)])
        report = json.loads(c.text("report", "--json", c.write(data)))
        lines = {row["function"]: row["line"] for row in report["lines"]}
        self.assertEqual(lines["leaf"], 21)

    def test_without_an_offset_only_the_trace_is_known(self):
        data = inlined([WORK, at(None)], [(0, 1), (1, 2)])
        self.assertEqual(stacks(data), {"work": 1, "work;loop": 2})

    def test_a_trace_that_was_never_described_has_a_number(self):
        data = inlined([WORK, at(3, 777), at(3, 0)], [(0, 1), (1, 2), (1, 3)])
        self.assertEqual(stacks(data), {
            "work": 1, "work;trace 777": 2, "work;[unknown]": 3})

    def test_traces_of_one_name_stay_apart(self):
        s = c.session()
        s.traces(f.trace(60, name="loop", kind=f.LOOP))
        s.frames(1, [at(None), at(None, 60)])
        s.nodes(1, [(0, 1), (0, 2)])
        s.samples(0, [(1, 5, 5), (2, 7, 7)])
        self.assertEqual(stacks(s.bytes()), {"loop": 5, "loop #60": 7})

    def test_a_trace_without_a_name_is_called_by_what_it_is(self):
        s = c.session()
        s.traces(f.trace(60, kind=f.METHOD, code=3, line=22),
                 f.trace(61, kind=f.STUB))
        s.frames(1, [at(None, 60), at(None, 61)])
        s.nodes(1, [(0, 1), (0, 2)])
        s.samples(0, [(1, 5, 5), (2, 7, 7)])
        self.assertEqual(stacks(s.bytes()), {"method 60 (leaf:22)": 5,
                                             "stub 61": 7})

    def test_every_export_takes_them(self):
        data = c.write(f.jit_demo().bytes())
        for form in ("pprof", "speedscope", "vmprof-log"):
            c.text("convert", data, "--to", form, "-o", c.path("out"))
        shown = json.loads(c.text("convert", data, "--to", "speedscope", "-o",
                                  "-"))
        names = [frame["name"] for frame in shown["shared"]["frames"]]
        self.assertIn("loop 1 (work:11)", names)

    def test_a_vmprof_log_has_the_address_of_the_trace(self):
        c.text("convert", c.write(f.jit_demo().bytes()), "--to", "vmprof-log",
               "-o", c.path("out.prof"))
        report = json.loads(c.text("report", "--json", c.path("out.prof")))
        rows = {row["function"]: row for row in report["functions"]}
        self.assertIn("loop 1 (work:11)", rows)
        with open(c.path("out.prof"), "rb") as file:
            self.assertIn((6).to_bytes(8, "little") +
                          (0x7000).to_bytes(8, "little"), file.read())


class Heat(unittest.TestCase):
    def test_time_falls_on_the_operation_that_was_running(self):
        trace = c.by_name(c.jit(f.jit_demo().bytes()))["loop 1 (work:11)"]
        self.assertEqual([(o["text"], o["sampled_ns"])
                          for o in trace["operations"]],
                         [("i = i + 1", 300000), ("guard(i < n)", 200000),
                          ("jump()", 0)])

    def test_a_loop_is_shown_with_its_heat(self):
        shown = c.text("jit", c.write(f.jit_demo().bytes()), "--loop", "1")
        self.assertIn("60.00%       0      4  i = i + 1", shown)
        self.assertIn("guard(i < n)  -> #2", shown)


if __name__ == "__main__":
    c.tap.main()
