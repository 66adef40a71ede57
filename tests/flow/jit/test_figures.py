#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time per trace of a story whose figures were worked out by hand."""

import unittest

import common as c
from common import f, jit


class ByEvents(unittest.TestCase):
    def figures(self, *options):
        return c.events_of(jit(c.story(), *options))

    def test_a_loop_has_its_inner_bridges_and_what_it_calls(self):
        self.assertEqual(self.figures(), {
            "loop": (790, 790, 3), "bridge": (0, 0, 1), "other": (0, 0, 0),
            "way in": (10, 10, 1)})

    def test_an_ignored_bridge_was_never_entered(self):
        self.assertEqual(self.figures("--inner", "ignore"), {
            "loop": (790, 790, 2), "bridge": (0, 0, 0), "other": (0, 0, 0),
            "way in": (10, 10, 1)})

    def test_each_bridge_can_have_its_own_time(self):
        self.assertEqual(self.figures("--inner", "each"), {
            "loop": (750, 750, 3), "bridge": (40, 40, 1), "other": (0, 0, 0),
            "way in": (10, 10, 1)})

    def test_what_is_called_can_have_its_own_time(self):
        self.assertEqual(self.figures("--calls", "nest"), {
            "loop": (640, 790, 3), "bridge": (0, 0, 1),
            "other": (100, 100, 1), "way in": (10, 10, 1)})

    def test_all_time_is_somebody_s(self):
        for policy, outside in (("caller", 1200), ("nest", 1250)):
            events = jit(c.story(), "--calls", policy)["events"]
            self.assertEqual(events["time"], 2000 * c.US)
            self.assertEqual(events["interpreter"], outside * c.US)
            self.assertEqual(events["mismatches"], 0)

    def test_the_transitions_are_exact(self):
        self.assertEqual(c.transitions(jit(c.story())), {
            ("-", "loop"): 1, ("loop", "bridge"): 1, ("bridge", "loop"): 1,
            ("loop", "-"): 2, ("-", "way in"): 1, ("way in", "loop"): 1})
        self.assertEqual(
            c.transitions(jit(c.story(), "--calls", "nest"))[("-", "other")],
            1)

    def test_exits_through_guards_are_counted(self):
        loop = c.by_name(jit(c.story()))["loop"]
        self.assertEqual([(g["text"], g["exits"]) for g in loop["guard_list"]],
                         [("x > 1", 0), ("i < n", 1)])

    def test_a_bridge_is_folded_under_its_loop(self):
        traces = c.by_name(jit(c.story(), "--inner", "each"))
        self.assertEqual(traces["bridge"]["root"], traces["loop"]["number"])
        self.assertEqual(traces["loop"]["with_bridges"]["events"]["self"],
                         790 * c.US)
        self.assertNotIn("with_bridges", traces["bridge"])


def sampled(nodes, **how):
    """A file of these samples: main, and traces on top of work or alone."""
    s = c.session(**how)
    s.frames(1, [(1, 1, 2, None), (2, 1, 11, None),
                 (c.LOOP, f.TRACE, None, None),
                 (c.BRIDGE, f.TRACE, None, None),
                 (c.OTHER, f.TRACE, None, None), (3, 7, None, None)])
    s.nodes(1, [(0, 1), (1, 2), (2, 3), (2, 4), (1, 5), (3, 6), (3, 2),
                (7, 5)])
    s.samples(0, [(node, weight, weight) for node, weight in nodes])
    return s


MAIN, WORK, IN_LOOP, IN_BRIDGE, IN_OTHER, NATIVE, CALLED, DEEPER = range(1, 9)


class BySamples(unittest.TestCase):
    def figures(self, nodes):
        result = jit(sampled(nodes).bytes())
        return result, {
            name: (trace["figures"]["sampled"]["self_ns"] / c.US,
                   trace["figures"]["sampled"]["total_ns"] / c.US)
            for name, trace in c.by_name(result).items()}

    def test_a_sample_is_of_the_innermost_trace(self):
        result, figures = self.figures([(MAIN, 10), (WORK, 20), (IN_LOOP, 300),
                                        (IN_BRIDGE, 40), (IN_OTHER, 5)])
        self.assertEqual(figures, {"loop": (300, 300), "bridge": (40, 40),
                                   "other": (5, 5), "way in": (0, 0)})
        self.assertEqual(result["sampled"]["outside_ns"], 30 * c.US)

    def test_native_functions_work_for_the_trace_that_called_them(self):
        figures = self.figures([(IN_LOOP, 100), (NATIVE, 50)])[1]
        self.assertEqual(figures["loop"], (150, 150))

    def test_what_a_trace_calls_is_in_its_total(self):
        result, figures = self.figures([(IN_LOOP, 100), (CALLED, 30),
                                        (DEEPER, 7)])
        self.assertEqual(figures["loop"], (100, 137))
        self.assertEqual(figures["other"], (7, 7))
        self.assertEqual(result["sampled"]["outside_ns"], 30 * c.US)

    def test_samples_in_traces_count_as_compiled(self):
        phases = jit(sampled([(MAIN, 100), (IN_LOOP, 900)]).bytes())["phases"]
        self.assertEqual(phases["sampled"]["ns"]["interpreting"], 100 * c.US)
        self.assertEqual(phases["sampled"]["ns"]["compiled"], 900 * c.US)

    def test_compiled_code_has_taken_over_when_most_time_is_in_it(self):
        phases = jit(sampled([(MAIN, 1000)] + [(IN_LOOP, 100)] * 50).bytes())
        self.assertEqual(phases["phases"]["sampled"]["compiled_from_ns"],
                         1000 * c.US)
        phases = jit(sampled([(IN_LOOP, 1000), (MAIN, 1000)]).bytes())
        self.assertNotIn("compiled_from_ns", phases["phases"]["sampled"])


class Together(unittest.TestCase):
    def both(self, in_loop, count=100, lost=0, mode=0):
        """Half of the time in the loop by events; `in_loop` of `count` samples
        there."""
        s = sampled([(IN_LOOP, 10)] * in_loop +
                    [(MAIN, 10)] * (count - in_loop), mode=mode)
        half = count * 10 * c.US // 2
        s.events(0, [(0, c.ENTER, c.LOOP), (half, c.EXIT, c.LOOP)],
                 [(0, 0, 0), (2 * half, 2 * half, 2 * half)], lost=lost)
        return c.by_name(jit(s.bytes()))["loop"]["agreement"]

    def test_methods_that_agree_say_so(self):
        for in_loop in (48, 50, 52):
            self.assertTrue(self.both(in_loop)["agree"])
        self.assertAlmostEqual(self.both(48)["points"], 2)

    def test_chance_is_a_reason_where_there_are_few_samples(self):
        self.assertEqual(self.both(40)["reasons"], ["few_samples"])
        self.assertEqual(self.both(400, 1000)["reasons"], ["unknown"])

    def test_what_spoils_a_method_is_named(self):
        self.assertIn("wall_time", self.both(400, 1000, mode=1)["reasons"])
        self.assertIn("lost_events", self.both(400, 1000, lost=3)["reasons"])

    def test_the_table_says_where_they_differ_and_why(self):
        s = sampled([(IN_LOOP, 10)] * 10 + [(MAIN, 10)] * 990)
        s.events(0, [(0, c.ENTER, c.LOOP), (5000 * c.US, c.EXIT, c.LOOP)],
                 [(0, 0, 0), (10000 * c.US, 10000 * c.US, 10000 * c.US)])
        self.assertIn("#1: by events 49.0 points more than by samples: "
                      "no reason is known", c.text("jit", c.write(s.bytes())))


class Counted(unittest.TestCase):
    def test_counts_are_the_last_ones(self):
        s = c.session()
        s.counts({c.LOOP: 5, c.LOOP_GUARD: 2, c.OTHER: 1})
        s.counts({c.LOOP: 9, c.LOOP_GUARD + 1: 1})
        traces = c.by_name(jit(s.bytes()))
        self.assertEqual(traces["loop"]["figures"]["counts"], {"entries": 9})
        self.assertEqual(traces["other"]["figures"]["counts"], {"entries": 1})
        self.assertEqual([g.get("counted") for g in
                          traces["loop"]["guard_list"]], [2, 1])

    def test_counts_outlive_a_new_description(self):
        s = c.session()
        s.counts({c.LOOP: 5, c.LOOP_GUARD: 2})
        s.traces(f.trace(c.LOOP, name="again", kind=f.LOOP,
                         first_guard=c.LOOP_GUARD, guard_count=2),
                 f.guards(c.LOOP, [(4, 0, 0, "x > 1"), (9, 0, 0, "i < n")]))
        again = c.by_name(jit(s.bytes()))["again"]
        self.assertEqual(again["figures"]["counts"], {"entries": 5})
        self.assertEqual(again["guard_list"][0]["counted"], 2)
        self.assertEqual(again["guard_list"][0]["bridge"], 0)

    def test_a_process_keeps_its_traces_in_its_next_session(self):
        one = c.session(ident=1, pid=5)
        two = f.Session(ident=2, pid=5)
        two.counts({c.LOOP: 3})
        other = f.Session(ident=3, pid=6)
        other.traces(f.trace(c.LOOP, name="another", kind=f.METHOD))
        result = c.by_name(jit(one.bytes() + two.bytes() + other.bytes()))
        self.assertEqual(result["loop"]["figures"]["counts"], {"entries": 3})
        self.assertEqual(result["another"]["kind"], "method")


if __name__ == "__main__":
    c.tap.main()
