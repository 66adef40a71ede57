#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Traces and events of files that were cut, damaged or made to do harm."""

import resource
import struct
import unittest

import common as c
from common import SLOW, f, info, jit, vmprof, write

DEMO = f.jit_demo()
DATA = DEMO.bytes()
HUGE = 2**64 - 1
ALL = (["info"], ["report", "--json"], ["jit"], ["jit", "--json"],
       ["flamegraph", "-o", "-"], ["convert", "--to", "vmprof-log", "-o", "-"])


def chunks_of(*payloads):
    s = c.session()
    for kind, payload in payloads:
        s.put(kind, payload)
    return s.bytes()


class Unharmed(unittest.TestCase):
    def every_command(self, data):
        for command in ALL:
            done = vmprof(command[0], write(data), *command[1:])
            self.assertIn(done.returncode, (0, 1), (command, done.stderr))

    def test_a_file_cut_anywhere_is_read_up_to_there(self):
        start = len(DEMO.chunks[0])
        for size in range(start, len(DATA), 61 if SLOW else 19):
            with self.subTest(size=size):
                done = vmprof("jit", "--json", write(DATA[:size]))
                self.assertIn(done.returncode, (0, 1), done.stderr)
        for size in range(start, len(DATA), 397 if SLOW else 131):
            self.every_command(DATA[:size])

    def test_a_changed_byte_of_a_payload_breaks_nothing(self):
        """With right checksums, so that the damage reaches the reader."""
        for number, part in enumerate(DEMO.chunks):
            kind = struct.unpack_from("<H", part, 16)[0]
            if kind not in (f.TRACES, f.EVENTS, f.COUNTS, f.FRAMES):
                continue
            for at in range(24, len(part), 47 if SLOW else 7):
                for value in (0xff, part[at] ^ 1):
                    payload = bytearray(part[24:])
                    payload[at - 24] = value
                    parts = list(DEMO.chunks)
                    parts[number] = f.chunk(DEMO.ident, number, kind,
                                            bytes(payload))
                    done = vmprof("jit", "--json", write(b"".join(parts)))
                    self.assertIn(done.returncode, (0, 1), done.stderr)

    def test_a_bad_entry_leaves_the_others(self):
        data = chunks_of((f.TRACES,
                          f.entry(1, 60, f.fields({2: 1})[:1]) +
                          f.entry(2, 60, b"\xff") + f.entry(99, 60, b"what") +
                          f.trace(61, name="good", kind=f.LOOP)))
        self.assertIn("good", c.by_name(jit(data)))
        self.assertGreater(info(data)["damage"]["bytes_unread"], 0)

    def test_a_list_with_a_gap_keeps_what_comes_before(self):
        s = c.session()
        s.traces(f.operations(c.LOOP, [(0, 0, 0, "one"), (4, 0, 0, "two")]),
                 f.operations(c.LOOP, [(8, 0, 0, "four")], first=3))
        loop = c.by_name(jit(s.bytes()))["loop"]
        self.assertEqual([o["text"] for o in loop["operations"]],
                         ["one", "two"])

    def test_a_list_that_begins_again_replaces_the_whole(self):
        s = c.session()
        s.traces(f.operations(c.LOOP, [(0, 0, 0, "a"), (4, 0, 0, "b")]),
                 f.operations(c.LOOP, [(0, 0, 0, "c")]),
                 f.operations(c.LOOP, [(8, 0, 0, "d")], first=1))
        loop = c.by_name(jit(s.bytes()))["loop"]
        self.assertEqual([o["text"] for o in loop["operations"]], ["c", "d"])

    def test_circles_end(self):
        s = c.session()
        s.traces(f.trace(60, name="a", kind=f.BRIDGE, parent=61, target=61),
                 f.trace(61, name="b", kind=f.BRIDGE, parent=60, target=60),
                 f.trace(62, name="c", kind=f.BRIDGE, parent=62, target=62))
        s.events(0, [(9, c.ENTER, 60), (19, c.JUMP, 61), (29, c.JUMP, 62),
                     (39, c.EXIT, 62)], [(0, 0, 0), (99, 99, 99)])
        self.assertEqual(jit(s.bytes())["events"]["mismatches"], 0)
        self.every_command(s.bytes())

    def test_events_of_unknown_traces_are_counted(self):
        s = f.Session()
        s.events(0, [(9, c.ENTER, 5), (19, c.EXIT, 6)],
                 [(0, 0, 0), (99, 99, 99)])
        result = jit(s.bytes())
        self.assertEqual(result["damage"]["unmatched"], 2)
        self.assertEqual(result["events"]["mismatches"], 0)
        self.assertEqual(c.by_name(result)["trace 5"]["figures"]["events"]
                         ["self"], 10)

    def test_names_do_no_harm_to_a_terminal(self):
        s = c.session()
        s.traces(f.trace(60, name="a\x1b[2Jb\nc\xff", kind=f.LOOP),
                 f.operations(60, [(0, 0, 0, "x\x1b]0;y\x07\nz")]))
        s.counts({60: 1})
        for options in ((), ("--loop", "5")):
            done = vmprof("jit", write(s.bytes()), *options)
            self.assertEqual(done.returncode, 0)
            self.assertNotIn(b"\x1b", done.stdout)
        self.assertIn(b"a\\x1B[2Jb", done.stdout)


class Greedy(unittest.TestCase):
    """Numbers of a file do not decide how much memory or time is used."""

    def limited(self, data, seconds=20, megabytes=400):
        def limit():
            size = megabytes << 20
            if not SLOW:
                resource.setrlimit(resource.RLIMIT_AS, (size, size))

        begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        for command in (["info"], ["jit", "--json"], ["flamegraph", "-o", "-"]):
            done = vmprof(command[0], write(data), *command[1:],
                          preexec_fn=limit)
            self.assertIn(done.returncode, (0, 1), done.stderr[-300:])
            self.assertNotIn(b"not enough memory", done.stderr)
        if not SLOW:
            used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            self.assertLess(used - begun, seconds)

    def test_huge_numbers_are_only_numbers(self):
        big = f.varint(HUGE)
        self.limited(chunks_of(
            (f.TRACES, f.trace(HUGE, kind=HUGE, end=HUGE, code=HUGE,
                               offset=HUGE, line=HUGE, guard=HUGE, parent=HUGE,
                               target=HUGE, address=HUGE, length=HUGE,
                               loop_offset=HUGE, first_guard=HUGE,
                               guard_count=HUGE, registered=HUGE,
                               unregistered=HUGE)),
            (f.TRACES, f.guards(HUGE, [(HUGE, HUGE, HUGE, "x")]) +
             f.places(HUGE, [(HUGE, HUGE, HUGE, 0)]) +
             f.positions(HUGE, [(HUGE, HUGE)]) +
             f.operations(HUGE, [(HUGE, HUGE, HUGE, "x")])),
            (f.TRACES, b"".join(f.entry(kind, 1, b"\0" + big)
                                for kind in range(2, 7))),
            (f.COUNTS, big + big + big + big),
            (f.EVENTS, big * 8), (f.EVENTS, b"\0" * 4 + big * 9),
            (f.EVENTS, b"\0\0\0\0\2\0\2" + big * 8)))

    def test_times_of_all_sizes_stay_numbers(self):
        s = c.session()
        s.events(0, [(2**63, c.ENTER, c.LOOP), (3, c.EXIT, c.LOOP)],
                 [(0, 0, 0), (1, 2**63, 0), (2**64 - 9, 2**64 - 9, 2**63)])
        s.events(0, [(2**40, c.ENTER, c.LOOP)], [(2**62, 2**62, 2**62)],
                 first=2, lost=2**63)
        self.limited(s.bytes())

    def test_chains_of_inlined_calls_are_cut(self):
        s = c.session()
        count = 4000
        s.traces(f.places(c.LOOP, [(2, i, i, i) for i in range(count)]),
                 f.positions(c.LOOP, [(i, i) for i in range(count)]))
        s.frames(1, [(c.LOOP, f.TRACE, None, i) for i in range(count)])
        s.nodes(1, [(0, i + 1) for i in range(count)])
        s.samples(0, [(i + 1, 1, 1) for i in range(count)])
        self.limited(s.bytes())

    def test_many_traces_guards_and_marks_take_what_they_need(self):
        s = c.session()
        for block in range(5):
            s.traces(*(f.trace(1000 + block * 2000 + i, kind=f.LOOP)
                       for i in range(2000)))
            s.traces(*(f.guards(1000 + block * 2000 + i, [(1, 0, 0, "")] * 20)
                       for i in range(200)))
        at = 0
        for block in range(5):
            marks = [(at + i * 10, at + i * 10, at + i * 10)
                     for i in range(3000)]
            events = [(at + i * 10 + 5, i % 2 * 2, c.LOOP)
                      for i in range(3000)]
            s.events(0, events, marks, first=block * 3000)
            at += 30000
        self.limited(s.bytes())

    def test_threads_without_marks_do_not_pile_up_events(self):
        s = c.session()
        for thread in range(100):
            s.events(thread, [(0, i % 2 * 2, c.LOOP) for i in range(2000)],
                     [(2**40, 0, 0)])
        self.limited(s.bytes())


if __name__ == "__main__":
    c.tap.main()
