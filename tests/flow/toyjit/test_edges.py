#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""test_edges.py TOYVM PROGRAMS VMPROF: each edge that compiled code takes is in
the profile, once, and the time between is what it was."""

import unittest

import events
from jit import BACKENDS, Profiled, tap

PROGRAMS = [("jit_bridges.toy", 500, 100), ("jit_loops.toy", 150, 60),
            ("jit_calls.toy", 150, 60), ("jit_invalid.toy", 300),
            ("jit_types.toy", 300), ("exceptions.toy", 100),
            ("coroutines.toy", 20, 20)]
# Of long segments, so that a clock is right about them: loops of a program.
TIMED = [("jit_bridges.toy", 800, 5000), ("jit_loops.toy", 300, 3000),
         ("jit_calls.toy", 150, 3000)]
ATTEMPTS = 4


def each_program(check):
    def test(self):
        for program in PROGRAMS:
            for backend in BACKENDS:
                with self.subTest(program[0], backend=backend):
                    check(self, Profiled(*program, backend=backend))
    return test


def replay(profiled):
    guards = {guard["id"]: trace["id"]
              for trace in profiled.truth.traces.values()
              for guard in trace["guards"]}
    return events.Replay(profiled.events, guards)


class Edges(unittest.TestCase):
    @each_program
    def test_the_file_has_each_edge(self, profiled):
        found = replay(profiled)
        self.assertEqual(dict(found.edges), profiled.truth.edges)
        self.assertEqual(
            {guard: found.exits[guard] for guard in profiled.truth.guards},
            {ident: guard["exits"]
             for ident, guard in profiled.truth.guards.items()})

    @each_program
    def test_the_matrix_is_exact(self, profiled):
        edges = {}
        for (start, end, edge), count in profiled.truth.edges.items():
            if edge not in ("call", "return"):
                edges[start, end] = edges.get((start, end), 0) + count
        self.assertEqual(
            {(profiled.numbers[row["from"]], profiled.numbers[row["to"]]):
             row["count"] for row in profiled.report["transitions"]}, edges)
        for key in ("lost", "mismatches", "unknown"):
            self.assertEqual(profiled.report["events"][key], 0, key)

    @each_program
    def test_traces_and_guards_are_told_of(self, profiled):
        truth = profiled.truth
        self.assertEqual(
            {ident for ident, trace in profiled.traces.items()
             if not trace["aborted"]}, set(truth.traces))
        for ident, expected in truth.traces.items():
            trace = profiled.traces[ident]
            for key in ("kind", "end", "name", "function", "line"):
                self.assertEqual(trace[key], expected[key], (ident, key))
            counts = trace["figures"].get("counts", {})
            self.assertEqual(counts.get("entries", 0), expected["entries"])
            self.assertEqual(
                [(guard["id"], guard["text"], guard["line"],
                  guard.get("counted", 0)) for guard in trace["guard_list"]],
                [(guard["id"], guard["text"], guard["line"], guard["exits"])
                 for guard in expected["guards"]])

    def test_time_in_each_trace_is_within_a_hundredth(self):
        for program in TIMED:
            for backend in BACKENDS:
                with self.subTest(program[0], backend=backend):
                    self.check_times(program, backend)

    def check_times(self, program, backend):
        """The truth reads its own clock, an instant before the event's. Once in
        a while it is just then that the system runs something else: again."""
        for attempt in range(ATTEMPTS):
            profiled = Profiled(*program, backend=backend,
                                options=[*Profiled.EVENTS,
                                         "jit-truth-clock=ticks"])
            ticks = replay(profiled).ticks
            wrong = {}
            for ident, trace in profiled.truth.traces.items():
                segments = trace["entries"] + profiled.truth.edges.get(
                    (0, ident, "return"), 0)
                # 1 us, at any rate of the counter.
                if trace["self"] / max(1, segments) < 5000:
                    continue
                if abs(ticks[ident] / trace["self"] - 1) > 0.01:
                    wrong[trace["name"]] = ticks[ident], trace["self"]
            if not wrong:
                return
        self.fail(f"never within 1 %, last: {wrong}")


if __name__ == "__main__":
    tap.main()
