#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Samples of every length, summed by the command and by ourselves."""

import collections
import json
import random
import unittest

import vmprof_file
from command import by_name, path, report, tap, text, write

UNIT = 1000
# The last node that two bytes hold is 8190.
NODES = 8300
THREADS = 3


def session():
    s = vmprof_file.Session(unit=UNIT)
    for first in range(1, NODES + 1, 2000):
        last = min(first + 2000, NODES + 1)
        s.codes([(i, f"toy:f{i}:{i}:many.toy") for i in range(first, last)])
        s.frames(first, [(i, 1, i, None) for i in range(first, last)])
        s.nodes(first, [(0, i) for i in range(first, last)])
    for thread in range(THREADS):
        s.thread(thread, f"t{thread}", 100 + thread)
    return s


class Expected:
    """By function, by phase, and by thread and function: [weight, samples]."""

    def __init__(self):
        self.functions = collections.defaultdict(lambda: [0, 0])
        self.phases = collections.defaultdict(lambda: [0, 0])
        self.threads = collections.defaultdict(lambda: [0, 0])
        self.stacks = collections.Counter()

    def add(self, thread, phase, node, weight):
        for cell in (self.functions[f"f{node}"], self.phases[phase],
                     self.threads[f"t{thread}"]):
            cell[0] += weight * UNIT
            cell[1] += 1
        self.stacks[thread, f"f{node}"] += weight


def one_sample(rng):
    """(node, elapsed, weight); mostly but not only short ones."""
    node = rng.choice((rng.randint(1, 62), rng.randint(1, 200),
                       rng.randint(1, 8190), rng.randint(1, 8190),
                       rng.randint(8180, NODES)))
    elapsed = rng.choice((rng.randint(0, 127), rng.randint(0, 127),
                          rng.randint(0, 127), rng.randint(0, 99999)))
    weight = rng.choice((elapsed, elapsed, elapsed + rng.randint(-64, 63),
                         rng.randint(0, 300), rng.randint(0, 9999999)))
    return node, elapsed, weight


def some_samples(rng, thread, expected, count):
    out, phase, state = [], 0, 0
    for _ in range(count):
        if rng.random() < 0.02:
            phase, state = rng.randint(0, 7), rng.choice((0, 4, 8))
            out.append((phase, state))
        sample = one_sample(rng)
        out.append(sample)
        # A weight below 0 is none that a writer may write.
        expected.add(thread, phase, sample[0], max(sample[2], 0))
    return out


def random_file(seed):
    rng = random.Random(seed)
    s, expected = session(), Expected()
    for _ in range(60):
        thread = rng.randrange(THREADS)
        count = rng.choice((1, 2, 3, 10, 100, 1500))
        s.samples(thread, some_samples(rng, thread, expected, count))
    return s.bytes(), expected


def cells(rows, name="function"):
    return {row[name]: [row["self_ns"], row["samples"]] for row in rows
            if row["samples"]}


class Sums(unittest.TestCase):
    def test_samples_of_every_length_are_summed_to_the_unit(self):
        data, expected = random_file(1)
        result = report(data)
        self.assertEqual(cells(result["functions"]), expected.functions)
        self.assertEqual([[r["self_ns"], r["samples"]]
                          for r in result["phases"]],
                         [expected.phases[p] for p in sorted(expected.phases)])
        self.assertEqual({r["name"]: [r["sampled_ns"], r["samples"]]
                          for r in result["threads"]}, expected.threads)
        self.assertEqual(result["damage"]["bytes_unread"], 0)

    def test_single_samples_are_those_that_were_summed(self):
        data, expected = random_file(2)
        out = path("single.json")
        text("convert", "--to", "speedscope", "-o", out, write(data))
        with open(out, encoding="utf-8") as file:
            result = json.load(file)
        names = [f["name"] for f in result["shared"]["frames"]]
        found = collections.Counter()
        for thread, profile in enumerate(result["profiles"]):
            for stack, weight in zip(profile["samples"], profile["weights"]):
                found[thread, names[stack[-1]]] += weight
        self.assertEqual(+found, +expected.stacks)

    def test_a_stack_that_comes_too_late_stays_unknown(self):
        s = vmprof_file.Session(unit=UNIT)
        s.codes([(1, "toy:f:1:late.toy")])
        s.frames(1, [(1, 1, 1, None)])
        s.thread(0)
        s.samples(0, [(1, 10, 10)] * 40)
        s.nodes(1, [(0, 1)])
        s.samples(0, [(1, 10, 10)] * 7)
        result = report(s.bytes())
        self.assertEqual(cells(result["functions"]),
                         {"[unknown]": [40 * 10 * UNIT, 40],
                          "f": [7 * 10 * UNIT, 7]})
        self.assertEqual(result["damage"]["samples_unknown"], 40)

    def test_a_state_may_change_at_every_sample(self):
        s = vmprof_file.demo()
        changes = [x for i in range(500) for x in ((i % 2 * 4, 0), (1, 9, 9))]
        s.samples(0, changes)
        result = report(s.bytes())
        self.assertEqual(by_name(result["functions"])["main"]["samples"], 501)
        phases = {r["phase"]: r["samples"] for r in result["phases"]}
        self.assertEqual(phases, {"interpreting": 254, "compiled": 252})


if __name__ == "__main__":
    tap.main()
