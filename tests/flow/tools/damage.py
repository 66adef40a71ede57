#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files that were cut, damaged or made to do harm."""

import gzip
import random
import resource
import struct
import unittest

import vmprof_file
from command import SLOW, by_name, info, report, tap, vmprof, write
from vmprof_file import chunk, string, varint

DEMO = vmprof_file.demo()
DATA = DEMO.bytes()
HUGE = 2**64 - 1


def ends_of_chunks():
    ends, at = [], 0
    for part in DEMO.chunks:
        at += len(part)
        ends.append(at)
    return ends


class Cuts(unittest.TestCase):
    def test_a_file_cut_anywhere_is_read_up_to_there(self):
        ends = ends_of_chunks()
        for size in range(ends[0], len(DATA), 7 if SLOW else 1):
            with self.subTest(size=size):
                good = max(end for end in ends if end <= size)
                result = info(DATA[:size])
                self.assertEqual(result["damage"]["bytes_unread"], size - good)
                self.assertEqual(result["damage"]["cut"], size != good)
                self.assertEqual(result["counts"]["samples"],
                                 6 if good >= ends[5] else 0)

    def test_a_file_cut_in_its_first_chunk_is_an_error(self):
        for size in range(1, ends_of_chunks()[0], 5):
            done = vmprof("info", write(DATA[:size]))
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"ends within its first chunk", done.stderr)

    def test_a_cut_gzip_file_is_read_up_to_there(self):
        packed = gzip.compress(random.Random(1).randbytes(0) + DATA * 1)
        result = info(packed[:-4])
        self.assertEqual(result["counts"]["samples"], 6)
        self.assertTrue(result["damage"]["cut"])


class Flips(unittest.TestCase):
    def test_a_changed_byte_costs_its_chunk_and_no_more(self):
        ends = ends_of_chunks()
        for at in range(0, len(DATA), 5 if SLOW else 1):
            with self.subTest(at=at):
                number = next(i for i, end in enumerate(ends) if at < end)
                lost = len(DEMO.chunks[number])
                data = bytearray(DATA)
                data[at] ^= 0x55
                result = info(bytes(data))
                damage = result["damage"]
                self.assertEqual(damage["bytes_unread"], lost)
                self.assertEqual(damage["first_offset"],
                                 ends[number] - lost)
                # Behind the last chunk nothing is known to be missing.
                last = number == len(ends) - 1
                self.assertEqual(damage["chunks_missing"], 0 if last else 1)

    def test_samples_whose_stack_was_lost_are_unknown(self):
        data = b"".join(DEMO.chunks[:3] + DEMO.chunks[4:])
        result = report(data)
        self.assertEqual(result["damage"]["samples_unknown"], 6)
        row = by_name(result["functions"])["[unknown]"]
        self.assertEqual((row["self_ns"], row["samples"]), (1000000, 6))

    def test_functions_whose_name_was_lost_are_unknown(self):
        data = b"".join(DEMO.chunks[:1] + DEMO.chunks[2:])
        result = report(data)
        self.assertEqual(result["damage"]["samples_unknown"], 0)
        row = by_name(result["functions"])["[unknown]"]
        self.assertEqual(row["self_ns"], 1000000)

    def test_a_session_whose_time_stands_still_is_damaged(self):
        s = vmprof_file.demo(unit=0)
        result = report(s.bytes())
        self.assertEqual(result["damage"]["bytes_unread"], len(s.chunks[0]))
        self.assertGreater(result["summary"]["sampled_ns"], 0)

    def test_indexes_go_on_behind_a_gap(self):
        s = vmprof_file.Session()
        s.codes([(1, "t:f:1:x"), (2, "t:g:1:x")])
        s.frames(1, [(1, 1, None, None)])
        s.nodes(1, [(0, 1)])
        s.frames(2, [(2, 1, None, None)])
        s.nodes(2, [(0, 2), (1, 2)])
        s.frames(3, [(2, 1, 5, None)])
        s.nodes(4, [(0, 3), (2, 3)])
        s.samples(0, [(1, 1, 1), (3, 1, 2), (4, 1, 4), (5, 1, 8)])
        del s.chunks[4:6]
        result = report(s.bytes())
        rows = by_name(result["functions"])
        self.assertEqual(rows["f"]["self_ns"], 1000)
        self.assertEqual(rows["g"]["self_ns"], 4000)
        self.assertEqual(rows["[unknown]"]["self_ns"], 10000)
        self.assertEqual(result["damage"]["samples_unknown"], 2)

    def test_noise_between_chunks_is_skipped(self):
        noise = random.Random(7)
        data = b"".join(
            noise.randbytes(noise.randrange(200)) + b"\x8eVMP" * 3 + part
            for part in DEMO.chunks)
        result = report(data)
        self.assertEqual(result["summary"]["samples"], 6)
        self.assertEqual(result["damage"]["bytes_unread"],
                         len(data) - len(DATA))
        self.assertFalse(result["damage"]["cut"])

    def test_a_length_that_leaps_over_chunks_is_not_believed(self):
        header = b"\x8eVMP" + struct.pack("<IIIHHI", 0, 1, 0, 6, 0, 60000)
        for data in (header + DATA, DEMO.chunks[0] + header +
                     b"".join(DEMO.chunks[1:])):
            result = info(data)
            self.assertEqual(result["counts"]["samples"], 6)
            self.assertEqual(result["damage"]["bytes_unread"], len(header))


class Unknown(unittest.TestCase):
    def test_what_a_newer_writer_adds_is_skipped(self):
        s = vmprof_file.Session(extra={101: "text", 102: HUGE})
        s.put(200, b"something new")
        s.put(65535, b"")
        s.put(vmprof_file.SAMPLES, b"other", flags=1)
        s.codes([(1, "t:f:1:x")])
        s.frames(1, [(1, 15, None, None)])
        s.nodes(1, [(0, 1)])
        s.samples(0, [(9, 8), (1, 10, 10), (15, 255), (1, 10, 10)])
        result = report(s.bytes())
        self.assertEqual(result["damage"]["chunks_unknown"], 3)
        self.assertEqual(result["damage"]["bytes_unread"], 0)
        self.assertEqual(by_name(result["functions"])["f"]["self_ns"], 20000)

    def test_a_newer_format_is_refused(self):
        done = vmprof("report", write(vmprof_file.demo(version=2).bytes()))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"newer vmprof (format 2); update", done.stderr)

    def test_a_newer_session_beside_an_older_one_is_skipped(self):
        result = report(vmprof_file.demo(2, version=9).bytes() + DATA)
        self.assertEqual(result["summary"]["samples"], 6)
        self.assertEqual(result["damage"]["chunks_unknown"],
                         len(DEMO.chunks))


def broken(kind, payload):
    """A demo in which one chunk has this payload."""
    s = vmprof_file.demo()
    s.put(kind, payload)
    return s.bytes()


HOSTILE = {
    "a count of codes": (2, varint(HUGE)),
    "a name's length": (2, varint(1) + varint(1) + varint(HUGE) + b"x"),
    "a name beyond the chunk": (2, varint(1) + varint(1) + varint(9) + b"x"),
    "an index of frames": (3, varint(HUGE) + varint(1) + b"\1\1"),
    "a large index of frames": (3, varint(2**62) + varint(1) + b"\1\1"),
    "a count of frames": (3, varint(5) + varint(HUGE)),
    "an index of frames that is taken": (3, varint(1) + varint(1) + b"\1\1"),
    "an index of nodes": (4, varint(HUGE) + varint(2) + b"\1\1\1\1"),
    "a large index of nodes": (4, varint(2**62) + varint(1) + b"\1\1"),
    "a count of nodes": (4, varint(6) + varint(HUGE)),
    "a node that is its own parent": (4, varint(6) + varint(1) + b"\0\1"),
    "a parent before all": (4, varint(6) + varint(1) + varint(7) + b"\1"),
    "a frame of a node": (4, varint(6) + varint(1) + b"\1" + varint(HUGE)),
    "a thread's index": (5, varint(2) + varint(HUGE)),
    "a thread of samples": (6, varint(HUGE) + varint(1) + varint(0) +
                            b"\2\1"),
    "a count of samples": (6, varint(0) + varint(HUGE) + varint(0)),
    "a start of samples": (6, varint(0) + varint(1) + varint(HUGE) +
                           b"\2\1"),
    "a node of a sample": (6, varint(0) + varint(1) + varint(0) +
                           varint(HUGE) + b"\1\0"),
    "a sample of no node": (6, varint(0) + varint(1) + varint(0) + b"\1\1\1"),
    "a group in a group": (9, varint(9) + varint(3) + b"\4\1\1"),
    "a section's length": (9, varint(6) + varint(HUGE) + b"\1"),
    "a section's type": (9, varint(HUGE) + varint(0) + varint(2**32 + 6) +
                         varint(0)),
    "weights": (6, varint(0) + varint(2) + varint(0) + b"\3\1" +
                varint(HUGE) + b"\3" + varint(HUGE) + varint(HUGE - 1)),
    "samples that are missing": (6, varint(0) + varint(5) + varint(0) +
                                 b"\2\1"),
    "samples too many": (6, varint(0) + varint(1) + varint(0) + b"\2\1" * 9),
    "a state without a sample": (6, varint(0) + varint(0) + varint(0) +
                                 b"\0\1"),
    "a number without an end": (6, b"\xff" * 11),
    "a number over 64 bits": (7, varint(2) + b"\xff" * 9 + b"\2"),
    "a key without a value": (1, varint(4)),
    "a text without its bytes": (1, varint(1) + varint(100)),
    "an empty chunk": (6, b""),
}


class Hostile(unittest.TestCase):
    def test_no_number_of_a_file_is_believed(self):
        for name, (kind, payload) in HOSTILE.items():
            with self.subTest(name):
                done = vmprof("report", "-fltTp",
                              write(broken(kind, payload)))
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                self.assertIn(b"work", done.stdout)

    def test_no_index_makes_it_allocate(self):
        if SLOW:
            self.skipTest("a sanitizer needs more address space")

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (64 << 20, 64 << 20))

        for name, (kind, payload) in HOSTILE.items():
            with self.subTest(name):
                done = vmprof("report", "-fltTp",
                              write(broken(kind, payload)), preexec_fn=limit)
                self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_many_empty_sessions_and_threads_stay_small(self):
        if SLOW:
            self.skipTest("a sanitizer needs more address space")
        s = vmprof_file.Session()
        for i in range(5000):
            s.samples(i * 2**40, [(0, 1, 1)])
        data = s.bytes() + b"".join(
            chunk(i, 0, 2, varint(1) + varint(i) + string("t:f:1:x"))
            for i in range(20000))

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (128 << 20, 128 << 20))

        done = vmprof("info", write(data), preexec_fn=limit)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_every_payload_cut_short_is_survived(self):
        for number, part in enumerate(DEMO.chunks):
            session, _, kind, flags, size = struct.unpack_from("<IIHHI", part,
                                                               8)
            for left in range(0, size, 9 if SLOW else 3):
                short = chunk(session, number, kind, part[24:24 + left])
                data = b"".join(DEMO.chunks[:number] + [short] +
                                DEMO.chunks[number + 1:])
                with self.subTest(chunk=number, left=left):
                    done = vmprof("report", "-fltTp", write(data))
                    self.assertEqual((done.returncode, done.stderr),
                                     (0, b""))

    def test_a_bad_section_costs_no_other(self):
        sections = b""
        for part in DEMO.chunks[1:]:
            kind, _, size = struct.unpack_from("<HHI", part, 16)
            sections += varint(kind) + varint(size) + part[24:]
            sections += varint(3) + varint(2) + b"\xff\xff"
        s = vmprof_file.Session()
        s.put(9, sections)
        result = report(s.bytes())
        self.assertEqual(result["summary"]["samples"], 6)
        self.assertEqual(result["damage"]["bytes_unread"],
                         24 + len(sections))

    def test_random_files_never_crash_it(self):
        source = random.Random(20)
        for _ in range(20 if SLOW else 200):
            data = bytearray(DATA)
            for _ in range(source.randrange(1, 20)):
                data[source.randrange(len(data))] = source.randrange(256)
            done = vmprof("report", "-fltTp", write(bytes(data)))
            self.assertIn(done.returncode, (0, 1))
            self.assertEqual(bool(done.stderr), done.returncode == 1)


if __name__ == "__main__":
    tap.main()
