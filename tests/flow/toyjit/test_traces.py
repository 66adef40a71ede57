#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""test_traces.py TOYVM PROGRAMS: what is compiled of programs whose structure is
known, and where control goes between."""

import unittest

from jit import BACKENDS, HAS_MACHINE_CODE, tap, truth_of


def of_each(*arguments):
    """Check what each back end does with a program."""
    def decorate(check):
        def test(self):
            for backend in BACKENDS:
                with self.subTest(backend=backend):
                    truth = truth_of(*arguments, backend=backend)[1]
                    self.consistent(truth)
                    check(self, truth)
        return test
    return decorate


class Traces(unittest.TestCase):
    def consistent(self, truth):
        """Who has been entered has been left, but for what runs at the end."""
        self.assertEqual(truth.thread["unexpected"], 0)
        self.assertEqual(truth.into(0), {
            edge: count for edge, count in truth.into(0).items()
            if edge in ("exit", "call")})
        for ident, trace in truth.traces.items():
            into, out = truth.into(ident), truth.out_of(ident)
            self.assertEqual(sum(into.values()), sum(out.values()), trace)
            self.assertEqual(into["return"], out["call"])
            self.assertEqual(trace["entries"], into["enter"] + into["jump"])
            self.assertLessEqual(
                sum(guard["exits"] for guard in trace["guards"]), out["exit"])

    @of_each("jit_bridges.toy", 1000, 10)
    def test_a_loop_alternates_with_its_bridge(self, truth):
        loop = truth.find("loop", "alternate", line=8)
        bridge = truth.find("bridge", "alternate")
        self.assertEqual((bridge["parent"], bridge["target"]),
                         (loop["id"], loop["id"]))
        self.assertEqual(bridge["end"], "jump")
        crossings = truth.edges[loop["id"], bridge["id"], "jump"]
        self.assertEqual(truth.edges[bridge["id"], loop["id"], "jump"],
                         crossings)
        # From the 50th turn on; the guard fails ten times before.
        self.assertGreaterEqual(crossings, 460)
        self.assertLessEqual(crossings, 470)
        guard = truth.guards[bridge["guard"]]
        self.assertEqual((guard["exits"], guard["bridge"]),
                         (10, bridge["id"]))

    @of_each("jit_loops.toy", 200, 60)
    def test_control_goes_from_loop_to_loop(self, truth):
        first = truth.find("loop", "compute", line=9)
        second = truth.find("loop", "compute", line=10)
        to_second = truth.find("bridge", "compute", parent=first["id"])
        to_first = truth.find("bridge", "compute", parent=second["id"])
        outer = truth.find("entry bridge", "compute")
        self.assertEqual(to_second["target"], second["id"])
        self.assertEqual(to_first["target"], outer["id"])
        self.assertEqual(outer["target"], first["id"])
        for turn in [(first, to_second), (to_second, second),
                     (second, to_first), (to_first, outer),
                     (outer, first)]:
            edge = turn[0]["id"], turn[1]["id"], "jump"
            self.assertGreater(truth.edges[edge], 100)

    @of_each("jit_calls.toy", 200, 60)
    def test_a_trace_calls_another_and_goes_on(self, truth):
        caller = truth.find("loop", "compute")
        inner = truth.find("loop", "add_up")
        returns = truth.find("bridge", "add_up", end="return")
        calls = truth.edges[caller["id"], 0, "call"]
        self.assertGreater(calls, 100)
        self.assertEqual(truth.edges[0, caller["id"], "return"], calls)
        self.assertGreaterEqual(
            truth.edges[inner["id"], returns["id"], "jump"], calls - 10)
        # The method calls itself.
        method = truth.find("method", "fibonacci")
        self.assertGreater(truth.out_of(method["id"])["call"], 100)

    @of_each("jit_calls.toy", 100, 2000)
    def test_time_in_what_a_trace_calls_is_its_callers_too(self, truth):
        caller = truth.find("loop", "compute")
        inner = truth.find("loop", "add_up")
        self.assertGreater(caller["caller"], caller["self"])
        self.assertLess(inner["caller"], inner["self"])

    @of_each("jit_invalid.toy", 300)
    def test_what_is_invalid_goes_and_comes_again(self, truth):
        freed = {}
        for trace in truth.traces.values():
            freed.setdefault(trace["function"], []).append(trace["freed"])
        self.assertEqual(set(freed["third"]), {0})
        for function in ["first", "second"]:
            self.assertEqual(set(freed[function]), {1})
            self.assertGreaterEqual(len(freed[function]), 10)
        # The bridge that invalidates it is made of the function, too.
        self.assertGreaterEqual(sum(freed["within"]), 1)

    @of_each("jit_types.toy", 300)
    def test_a_place_that_sees_three_types_has_a_chain_of_bridges(self, truth):
        loop = truth.find("loop", "all")
        second = truth.find("bridge", "double", parent=loop["id"])
        third = truth.find("bridge", "double", parent=second["id"])
        for bridge in (second, third):
            self.assertIn("guard_type",
                          truth.guards[bridge["guard"]]["text"])
            self.assertEqual(bridge["target"], loop["id"])

    def test_machine_code_is_made_where_it_is_asked_for(self):
        for backend in BACKENDS:
            truth = truth_of("jit_loops.toy", 100, 60, backend=backend)[1]
            for trace in truth.traces.values():
                self.assertEqual(trace["machine_code"] > 0,
                                 backend == "on" and HAS_MACHINE_CODE)

    def test_without_a_jit_there_are_no_traces(self):
        with self.assertRaises(IndexError):
            truth_of("jit_loops.toy", 9, 9, backend="off")


if __name__ == "__main__":
    tap.main()
