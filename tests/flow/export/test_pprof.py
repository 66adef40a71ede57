#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof convert --to pprof, read by a decoder of our own and by Go's."""

import collections
import re
import shutil
import subprocess
import unittest

import command
import stacks
from pprof import Pprof, number, packed, read_message
from stacks import CODE

import tap


def truth(recording):
    """(stack leaf first, thread, phase) -> [samples, ns], as was added."""
    functions = {code: f for f, code in recording.codes.items()}
    frames = {index: frame for frame, index in recording.frames.items()}
    nodes = {index: node for node, index in recording.nodes.items()}
    threads = {index: name for name, index in recording.threads.items()}
    sums = collections.defaultdict(lambda: [0, 0])
    for thread, node, weight, phase, _ in recording.samples:
        stack = []
        while node:
            node, frame = nodes[node]
            code, _, line = frames[frame]
            stack.append((*functions[code], line or 0))
        key = (tuple(stack), threads[thread], phase)
        sums[key][0] += 1
        sums[key][1] += weight * 1000
    return dict(sums)


PHASES = {None: 0, "tracing": 1, "gc": 6}


class Decoded(command.CommandTest):
    def convert(self, **session):
        self.recording = stacks.small(self.path("a.vmprof"), **session)
        self.succeed("convert", "a.vmprof", "--to", "pprof")
        return Pprof(self.path("a.pb.gz"))

    def test_every_stack_has_its_samples_and_time(self):
        found = {}
        for stack, values, labels in self.convert().samples:
            key = (stack, (labels["thread"], labels["thread_id"]),
                   PHASES[labels.get("phase")])
            self.assertNotIn(key, found)
            found[key] = values
        self.assertEqual(found, truth(self.recording))

    def test_cpu_time_without_a_sample_is_in_its_thread(self):
        stacks.unsampled(self.path("a.vmprof"))
        self.succeed("convert", "a.vmprof", "--to", "pprof")
        profile = Pprof(self.path("a.pb.gz"))
        self.assertEqual(sorted((stack[0][0], labels["thread"], values)
                                for stack, values, labels in profile.samples),
                         [("[unsampled]", "idle", [0, 20000]),
                          ("[unsampled]", "main", [0, 500000]),
                          ("main", "main", [1, 7000000])])

    def test_the_header_says_what_was_measured(self):
        pprof = self.convert(interval=2000000)
        types = [pprof.value_type(read_message(m)) for m in pprof.raw[1]]
        self.assertEqual(types, [("samples", "count"),
                                 ("cpu", "nanoseconds")])
        self.assertEqual(pprof.string(pprof.raw, 14), "cpu")
        self.assertEqual(
            pprof.value_type(read_message(pprof.raw[11][0])),
            ("cpu", "nanoseconds"))
        self.assertEqual(number(pprof.raw, 12), 2000000)
        self.assertEqual(number(pprof.raw, 9), 1700000000000000000)
        self.assertEqual(number(pprof.raw, 10), 1500000000)
        self.assertEqual(pprof.strings[0], "")

    def test_comments_tell_what_was_lost_apart_from_what_was_merged(self):
        recording = stacks.small(self.path("a.vmprof"))
        recording.write(self.path("a.vmprof"), ring_full=7, walker=3,
                        stacks_cut=1)
        self.succeed("convert", "a.vmprof", "--to", "pprof")
        pprof = Pprof(self.path("a.pb.gz"))
        source, counts = (pprof.strings[i] for i in packed(pprof.raw, 13))
        self.assertRegex(source, "^converted by vmprof from: .*vmprof")
        self.assertEqual(counts, "samples lost: 7; merged into another: 3; "
                                 "stacks cut: 1")

    def test_wall_time_is_called_so(self):
        pprof = self.convert(mode=1, clock=3)
        self.assertEqual(pprof.value_type(read_message(pprof.raw[1][1])),
                         ("wall", "nanoseconds"))
        self.assertEqual(pprof.string(pprof.raw, 14), "wall")

    def test_pprof_has_no_symbols_to_look_for(self):
        mapping = self.convert().mappings[1]
        self.assertEqual([number(mapping, f) for f in (7, 8, 9)], [1, 1, 1])

    def values_by(self, label, state, **session):
        """Of one sample without it and one whose state gives it."""
        recording = stacks.Recording(**session)
        thread = recording.thread("t", 1)
        recording.add(thread, [(stacks.MAIN, CODE, 1)], 5)
        recording.add(thread, [(stacks.MAIN, CODE, 1)], 7, state=state)
        recording.write(self.path("a.vmprof"))
        self.succeed("convert", "a.vmprof", "--to", "pprof")
        return {labels.get(label): values for _, values, labels
                in Pprof(self.path("a.pb.gz")).samples}

    def test_waiting_is_labelled(self):
        self.assertEqual(
            self.values_by("state", stacks.OFF_CPU, mode=1, clock=3),
            {None: [1, 5000], "off-cpu": [1, 7000]})

    def test_what_came_late_is_labelled(self):
        self.assertEqual(self.values_by("late", stacks.HELD_BACK),
                         {None: [1, 5000], "held-back": [1, 7000]})

    def test_strings_are_utf8_whatever_the_names_were(self):
        recording = stacks.Recording(program=b"\xff")
        recording.add(recording.thread(b"\xc3(", 1),
                      [((b"a\xff\n", b"\xed\xa0\x80", 1), CODE, 1)], 5)
        recording.write(self.path("a.vmprof"))
        self.succeed("convert", "a.vmprof", "--to", "pprof")
        stack, _, labels = Pprof(self.path("a.pb.gz")).samples[0]
        self.assertEqual(stack[0][0], "a\ufffd\ufffd")
        self.assertEqual(labels["thread"], "\ufffd(")


GO = shutil.which("go")


@unittest.skipUnless(GO, "go is not installed: nothing was read by its pprof")
class ReadByGo(command.CommandTest):
    def pprof(self, *options):
        stacks.small(self.path("a.vmprof"))
        self.succeed("convert", "a.vmprof", "--to", "pprof")
        run = subprocess.run(
            [GO, "tool", "pprof", *options, "a.pb.gz"], cwd=self.directory,
            capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def test_functions_have_their_shares(self):
        shares = {}
        for line in self.pprof("-top").splitlines():
            row = re.match(r"\s*\S+\s+([\d.]+)%\s+\S+\s+\S+\s+([\d.]+)%"
                           r"\s+(\S+)$", line)
            if row:
                shares[row[3]] = float(row[1]), float(row[2])
        self.assertEqual(shares, {
            "main": (6.67, 66.67), "work": (40.0, 66.67),
            "sort": (20.0, 20.0), "memcpy": (6.67, 6.67),
            "fib": (26.67, 33.33)})

    def test_samples_are_counted_too(self):
        top = self.pprof("-top", "-sample_index=samples")
        self.assertRegex(top, r"(?m)^\s+7\s+38\.89%.*work$")

    def test_lines_and_threads_are_there(self):
        raw = self.pprof("-raw")
        self.assertIn("samples/count cpu/nanoseconds[dflt]", raw)
        self.assertRegex(raw, r"thread:\[worker\]")
        self.assertRegex(raw, r"thread_id:\[101\]")
        self.assertRegex(raw, r"work app\.toy:12")

    def test_a_thread_can_be_picked(self):
        top = self.pprof("-top", "-tagfocus=thread=worker")
        self.assertRegex(top, r"(?m)^\s+400ms .*fib$")
        self.assertNotIn("sort", top)

    def test_nothing_is_symbolized(self):
        self.assertNotIn("symboliz", self.pprof("-raw").lower())


if __name__ == "__main__":
    tap.main()
