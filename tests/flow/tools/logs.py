#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof logs: what rvmprof and vmprof-python write.

With VMPROF_TEST_SAMPLES set, also all *.prof files below that directory."""

import glob
import gzip
import itertools
import json
import os
import pty
import random
import resource
import signal
import struct
import subprocess
import time
import unittest

import vmprof_log
from command import (SLOW, VMPROF, by_name, info, path, report, tap, text,
                     vmprof, write)
from vmprof_log import (ALLOCATION, ASSEMBLER, BEGIN, BLACKHOLE, CODE, END, GC,
                        JITTED, JITTING, LINES, MEMORY, NATIVE, NATIVE_NAME,
                        OBJECTS, PAIRS, REAL_TIME, START, Log, Reader)

SAMPLES = os.environ.get("VMPROF_TEST_SAMPLES")
F, G, H = 8, 12, 16


def names(log):
    return log.name(F, "py:f:1:a.py").name(G, "py:g:5:a.py").name(
        H, "py:h:9:b.py")


def pairs(*frames):
    """From the outermost frame in."""
    return [word for frame in reversed(frames) for word in frame]


def demo(**how):
    """f calls g three times, h once; f itself once."""
    log = names(Log(**how))
    memory = 1000 if log.mode & MEMORY else None
    for inner in ([(CODE, G)], [(CODE, G)], [(CODE, H)], [(CODE, G)], []):
        frames = [(CODE, F)] + inner
        words = pairs(*frames)
        if not log.mode & PAIRS:
            words = words[1::2]
            if log.mode & LINES:
                words = [w for word in words for w in (word + 100, word)]
        log.stack(words, thread=7, memory=memory)
    return log.end()


def shares(result):
    return {row["function"]: (row["self_ns"], row["total_ns"])
            for row in result["functions"]}


DEMO_SHARES = {"f": (1000000, 5000000), "g": (3000000, 3000000),
               "h": (1000000, 1000000)}


def undamaged(result):
    damage = dict(result["damage"])
    return not damage.pop("repairs") and not any(damage.values())


def repairs(data):
    return info(data)["damage"]["repairs"]


class Layouts(unittest.TestCase):
    def test_every_version_encoding_and_word_size_is_read(self):
        sizes = [dict(word=8, address=8), dict(word=4, address=4),
                 dict(word=4, address=8, win64=True)]
        for size, version, mode in itertools.product(
                sizes, range(0, 7), (0, PAIRS, LINES, MEMORY | PAIRS, MEMORY,
                                     LINES | MEMORY, REAL_TIME | PAIRS)):
            if version < 4 and mode not in (0, PAIRS):
                continue
            if version == 3:
                mode |= MEMORY
            with self.subTest(version=version, mode=mode, **size):
                log = demo(version=version, mode=mode, **size)
                result = report(log.bytes())
                self.assertEqual(shares(result), DEMO_SHARES)
                self.assertTrue(undamaged(result), result["damage"])
                self.assertEqual(result["format"], "vmprof log")
                self.assertTrue(result["sessions"][0]["ended"])
                if version >= 1:
                    self.assertEqual(result["threads"][0]["id"], 7)

    def test_both_versions_7_are_read(self):
        for flavour, times in (("times", [123456789 + i * 1000000
                                          for i in range(4)]),
                               ("seconds", [100.25 + i / 1000
                                            for i in range(4)]),
                               (None, [0] * 4)):
            with self.subTest(flavour=flavour):
                log = names(Log(version=7, flavour=flavour))
                if flavour == "seconds":
                    log.meta("start_time_offset", "100.000000")
                for time in times:
                    log.stack(pairs((CODE, F), (CODE, G)), time=time)
                result = report(log.bytes())
                self.assertEqual(shares(result), {"f": (0, 4000000),
                                                  "g": (4000000, 4000000)})
                self.assertTrue(undamaged(result), result["damage"])
                expected = {"times": 126456789, "seconds": 253000000,
                            None: 3000000}[flavour]
                self.assertAlmostEqual(
                    result["sessions"][0]["duration_ns"], expected, delta=2)

    def test_allocations_are_left_out_and_counted(self):
        log = names(Log(version=7, flavour="seconds"))
        log.stack(pairs((CODE, F)), time=1.5, marker=ALLOCATION)
        log.put(bytes([OBJECTS]) + struct.pack("<dq3q", 1.5, 3, 9, 8, 7))
        log.stack(pairs((CODE, G)), time=1.5).end()
        result = report(log.bytes())
        self.assertEqual(shares(result), {"g": (1000000, 1000000)})
        self.assertEqual(result["damage"]["repairs"],
                         {"allocations_left_out": 2})

    def test_pypy_has_pairs_whatever_its_mode_says(self):
        log = names(Log(mode=0, vm="pypy"))
        log.stack(pairs((CODE, F), (CODE, G))).end()
        self.assertEqual(shares(report(log.bytes())),
                         {"f": (0, 1000000), "g": (1000000, 1000000)})

    def test_gzip_is_unpacked(self):
        result = report(gzip.compress(demo().bytes()))
        self.assertEqual(shares(result), DEMO_SHARES)

    def test_standard_input_is_read(self):
        result = json.loads(text("report", "--json", "-",
                                 stdin=demo().bytes()))
        self.assertEqual(shares(result), DEMO_SHARES)


class Content(unittest.TestCase):
    def test_the_head_tells_vm_time_and_mode(self):
        log = Log(mode=PAIRS | REAL_TIME, vm="myvm", period=2500)
        log.meta("os", "plan9").end()
        session, = info(log.bytes())["sessions"]
        self.assertEqual(
            [session[k] for k in ("vm", "os", "mode", "interval_ns",
                                  "unix_ns", "duration_ns", "ended")],
            ["myvm", "plan9", "wall", 2500000, BEGIN * 10**9, 2500000000,
             True])

    def test_compiled_code_is_a_phase_and_shows_what_was_inlined(self):
        log = names(Log())
        log.stack(pairs((CODE, F), (JITTED, G), (JITTED, H),
                        (ASSEMBLER, 0x7f0000001000)))
        log.stack(pairs((CODE, F), (ASSEMBLER, 0x7f0000001000))).end()
        data = log.bytes()
        result = report(data)
        self.assertEqual(shares(result),
                         {"f": (1000000, 2000000), "g": (0, 1000000),
                          "h": (1000000, 1000000)})
        self.assertEqual([(p["phase"], p["samples"])
                          for p in result["phases"]], [("compiled", 2)])
        tree = {row["id"]: row for row in result["tree"]}
        inner = next(row for row in tree.values() if
                     result["functions"][row["function"]]["function"] == "h")
        outer = tree[inner["parent"]]
        self.assertEqual(result["functions"][outer["function"]]["function"],
                         "g")

    def test_each_kind_is_a_phase(self):
        for kind, phase in ((CODE, "interpreting"), (BLACKHOLE, "blackhole"),
                            (JITTED, "compiled"), (JITTING, "tracing"),
                            (GC, "gc"), (NATIVE, "native")):
            log = names(Log()).stack(pairs((CODE, F), (kind, G))).end()
            result = report(log.bytes())
            self.assertEqual([p["phase"] for p in result["phases"]], [phase])
            self.assertEqual(result["damage"]["repairs"], {})

    def test_lines_are_those_of_the_samples(self):
        result = report(demo(mode=LINES).bytes())
        self.assertEqual(
            {(row["function"], row["line"]): row["self_ns"]
             for row in result["lines"]},
            {("f", F + 100): 1000000, ("g", G + 100): 3000000,
             ("h", H + 100): 1000000})

    def test_native_functions_are_named_and_can_be_left_out(self):
        for mode in (0, PAIRS):
            log = names(Log(mode=mode))
            log.stack([NATIVE, 0x7001, CODE, F] if mode else [0x7001, F])
            log.stack([NATIVE, 0x9001, CODE, F] if mode else [0x9001, F])
            log.name(0x7001, "n:memcpy:17:-", NATIVE_NAME).end()
            data = log.bytes()
            rows = by_name(report(data)["functions"])
            self.assertEqual((rows["memcpy"]["line"], rows["memcpy"]["file"],
                              rows["memcpy"]["language"]), (17, "", "native"))
            self.assertIn("0x9000", rows)
            alone = json.loads(text("report", "--json", "--no-native",
                                    write(data)))
            self.assertEqual(shares(alone), {"f": (2000000, 2000000)})

    def test_native_names_of_the_vms_code_do_not_hide_its_names(self):
        log = names(Log(mode=0)).stack([G, F])
        log.name(F, "z:<native symbol 0x8>:0:-", NATIVE_NAME).end()
        result = report(log.bytes())
        self.assertIn("f", by_name(result["functions"]))
        self.assertEqual(result["damage"]["repairs"], {})

    def test_code_objects_of_one_name_are_one_function(self):
        log = names(Log()).name(20, "py:g:5:a.py")
        log.stack(pairs((CODE, G))).stack(pairs((CODE, 20))).end()
        self.assertEqual(shares(report(log.bytes())),
                         {"g": (2000000, 2000000)})

    def test_names_may_follow_the_samples(self):
        log = Log().stack(pairs((CODE, F), (CODE, G)))
        result = report(names(log).end().bytes())
        self.assertEqual(shares(result), {"f": (0, 1000000),
                                          "g": (1000000, 1000000)})

    def test_memory_is_told(self):
        log = names(Log(mode=PAIRS | MEMORY))
        for memory in (5120, 2048, 10240, 4096):
            log.stack(pairs((CODE, F)), memory=memory)
        data = log.end().bytes()
        session, = info(data)["sessions"]
        self.assertEqual([session["memory_%s_kb" % which]
                          for which in ("first", "least", "most")],
                         [5120, 2048, 10240])
        self.assertIn("Memory    5.0 MiB resident at first, 2.0 at least, "
                      "10.0 at most", text("report", write(data)))
        self.assertNotIn("memory_first_kb", info(demo().bytes())["sessions"][0])

    def test_threads_are_told_apart(self):
        log = names(Log())
        for i in range(5000):
            log.stack(pairs((CODE, F)), thread=i % 20 * 16)
        result = report(log.end().bytes())
        self.assertEqual({t["id"]: t["samples"] for t in result["threads"]},
                         {i * 16: 250 for i in range(20)})

    def test_all_exports_take_a_log(self):
        file = write(demo().bytes())
        self.assertIn("f;g 3",
                      text("convert", "--to", "collapsed", "--value",
                           "samples", "-o", "-", file))
        for arguments in (("convert", "--to", "pprof"),
                          ("convert", "--to", "speedscope"), ("flamegraph",)):
            out = path("out-" + arguments[-1])
            text(*arguments, "-o", out, file)
            self.assertGreater(os.path.getsize(out), 100)


class Repairs(unittest.TestCase):
    """What other readers throw away, or get wrong."""

    def check(self, data, expected, counts=None):
        result = report(data)
        self.assertEqual(shares(result), counts or DEMO_SHARES)
        self.assertEqual(result["damage"]["repairs"], expected)

    def test_bytes_between_records_are_skipped_and_said(self):
        whole = demo().bytes()
        first = names(Log()).bytes()
        for junk in (b"\0", b"\x09" + b"\4" + b"\0" * 7 + b"abcd",
                     b"\xff" * 5000, bytes(700000)):
            data = first + junk + whole[len(first):]
            self.check(data, {"stretches_skipped": 1})
            damage = info(data)["damage"]
            self.assertEqual((damage["bytes_unread"], damage["first_offset"]),
                             (len(junk), len(first)))
            self.assertFalse(damage["cut"])

    def test_a_header_that_is_missing_or_late(self):
        for vm in (None, "toyvm"):
            log = names(Log(header=False))
            for _ in range(4):
                log.stack(pairs((CODE, F), (CODE, G)), thread=3)
            if vm:
                log.header(vm)
            self.check(log.end().bytes(), {"headers_missing": 1},
                       {"f": (0, 4000000), "g": (4000000, 4000000)})

    def test_headers_and_keys_that_are_repeated(self):
        log = names(Log()).meta("os", "a").meta("os", "b").header("toyvm")
        log.stack(pairs((CODE, F))).end()
        self.check(log.bytes(), {"headers_repeated": 1, "meta_repeated": 1},
                   {"f": (1000000, 1000000)})

    def test_memory_that_is_announced_and_missing(self):
        log = names(Log(mode=PAIRS | MEMORY))
        for _ in range(3):
            log.stack(pairs((CODE, F)))
        self.check(log.end().bytes(), {"layouts_corrected": 1},
                   {"f": (3000000, 3000000)})

    def test_counts_kinds_and_halves_of_frames(self):
        log = names(Log()).stack(pairs((CODE, F)), count=3).end()
        self.check(log.bytes(), {"samples_counted_more": 1},
                   {"f": (3000000, 3000000)})
        for kind in (0, 8, 1 << 40):
            log = names(Log()).stack(pairs((CODE, F), (kind, G))).end()
            self.check(log.bytes(), {"kinds_unknown": 1},
                       {"f": (0, 1000000), "g": (1000000, 1000000)})
        log = names(Log()).stack([CODE, G, CODE]).end()
        self.check(log.bytes(), {"frames_halved": 1},
                   {"g": (1000000, 1000000)})

    def test_names_that_are_no_utf8_missing_or_twice(self):
        log = Log().name(F, b"py:\xfff:1:a.py").name(G, "py:a:1:a")
        log.name(G, "py:b:1:a").stack(pairs((CODE, H), (CODE, F), (CODE, G)))
        result = report(log.end().bytes())
        self.assertEqual(result["damage"]["repairs"],
                         {"names_not_utf8": 1, "names_repeated": 1,
                          "names_missing": 1})
        self.assertEqual(set(by_name(result["functions"])),
                         {"\ufffdf", "b", "[unknown]"})

    def test_odd_zero_and_negative_ids_are_code(self):
        for ident in (0, 13, -8, 2**63 + 4):
            log = names(Log()).name(ident, "py:x:1:x")
            log.stack(pairs((CODE, F), (CODE, ident))).end()
            self.check(log.bytes(), {}, {"f": (0, 1000000),
                                         "x": (1000000, 1000000)})

    def test_no_period_and_unusual_words(self):
        self.check(demo(period=0).bytes(), {"periods_missing": 1})
        for at in (16, 32):
            data = bytearray(demo().bytes())
            data[at] = 2
            self.check(bytes(data), {"unusual_starts": 1})

    def test_what_follows_the_end(self):
        whole = demo().bytes()
        self.check(whole + b"garbage\0", {"bytes_after_end": 8})
        log = Log().stack(pairs((CODE, F))).end()
        self.check(names(log).bytes(), {"records_after_end": 1},
                   {"f": (1000000, 1000000)})

    def test_logs_that_were_joined_are_sessions(self):
        other = Log(mode=0, vm="cpython").name(F, "py:other:1:c.py")
        other.stack([F]).end()
        result = report(demo().bytes() + other.bytes())
        self.assertEqual([s["vm"] for s in result["sessions"]],
                         ["toyvm", "cpython"])
        self.assertEqual(shares(result),
                         {**DEMO_SHARES, "other": (1000000, 1000000)})
        self.assertTrue(undamaged(result))

    def test_the_words_say_what_was_repaired(self):
        out = text("report", write(demo(period=0).bytes() + b"x"))
        self.assertIn("period of sampling is missing", out)
        self.assertIn("1 bytes behind the end were passed over", out)


class Cuts(unittest.TestCase):
    def test_a_log_cut_anywhere_is_read_up_to_there(self):
        data = demo().bytes()
        ends = []
        log = names(Log())
        for inner in ([(CODE, G)], [(CODE, G)], [(CODE, H)], [(CODE, G)], []):
            log.stack(pairs((CODE, F), *inner), thread=7)
            ends.append(len(log.data))
        for size in range(40, len(data), 1 if SLOW else 5):
            with self.subTest(size=size):
                result = info(data[:size])
                self.assertEqual(result["counts"]["samples"],
                                 sum(end <= size for end in ends))
                self.assertFalse(result["sessions"][0]["ended"])

    def test_a_log_cut_in_a_record_says_so(self):
        log = names(Log()).stack(pairs((CODE, F)))
        good = len(log.data)
        for size in range(good + 1, good + 30, 3):
            data = log.data + demo().bytes()[len(names(Log()).data):]
            damage = info(data[:size])["damage"]
            self.assertEqual((damage["cut"], damage["first_offset"],
                              damage["bytes_unread"]),
                             (True, good, size - good))

    def test_a_cut_gzip_file_is_read_up_to_there(self):
        log = names(Log())
        for i in range(2000):
            log.stack(pairs((CODE, F), (CODE, 8 * i)), thread=i)
        packed = gzip.compress(log.end().bytes())
        result = info(packed[:len(packed) // 2])
        self.assertTrue(result["damage"]["cut"])
        self.assertGreater(result["counts"]["samples"], 100)

    def test_a_log_cut_in_its_first_words_is_an_error(self):
        for size in range(16, 40, 4):
            done = vmprof("info", write(demo().bytes()[:size]))
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"ends within the first words", done.stderr)

    def test_big_endian_logs_are_refused(self):
        for form in (">5q", ">5i"):
            done = vmprof("info", write(struct.pack(form, 0, 3, 0, 1, 0)))
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"big-endian", done.stderr)


class Harm(unittest.TestCase):
    """Lengths that lie, and files made to take time and memory."""

    def limited(self, data):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
            resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        sanitized = b"__asan_init" in open(VMPROF, "rb").read()
        done = vmprof("info", "--json", write(data),
                      preexec_fn=None if sanitized else limit)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_lengths_that_lie_cost_their_record_alone(self):
        begin = names(Log()).bytes()
        rest = demo().bytes()[len(begin):]
        for lie in (2**63 - 1, -1, 2**31, 2**24, 2**20):
            for record in (b"\1" + struct.pack("<qq", 1, lie),
                           b"\2" + struct.pack("<qq", 1, lie),
                           b"\x07" + struct.pack("<q", lie),
                           b"\x08" + struct.pack("<qq", 1, lie)):
                result = self.limited(begin + record + rest)
                self.assertEqual(result["counts"]["samples"], 5)
                self.assertEqual(result["damage"]["bytes_unread"],
                                 len(record))

    def test_stacks_deeper_than_the_window_are_kept(self):
        for depth in (65536, 65538, 200000):
            log = names(Log()).stack([CODE, F] * (depth // 2)).end()
            result = report(log.bytes())
            self.assertEqual(shares(result), {"f": (1000000, 1000000)})
            self.assertTrue(undamaged(result))

    def test_noise_costs_no_more_than_its_size(self):
        noise = random.Random(1)
        for data in (noise.randbytes(1 << 20), b"\1" * (1 << 20),
                     struct.pack("<Bqq", 1, 1, 1 << 20) * 60000,
                     bytes(noise.choice((0, 1, 2, 3, 7, 8))
                           for _ in range(1 << 18))):
            self.limited(Log().bytes() + data)

    def test_changed_bytes_never_stop_the_reader(self):
        data = demo(mode=PAIRS | MEMORY).bytes()
        for at in range(40, len(data), 1 if SLOW else 9):
            for change in (0x55, 0x80):
                changed = bytearray(data)
                changed[at] ^= change
                self.limited(bytes(changed))

    def test_more_distinct_stacks_than_are_remembered(self):
        log = names(Log())
        once = bytearray()
        for i in range(140000):
            once += struct.pack("<B7q", 1, 1, 4, CODE, 8 + i * 8, CODE, F, 0)
        data = log.data + bytes(once) * 2
        result = self.limited(data)
        self.assertEqual(result["counts"]["samples"], 280000)
        self.assertEqual(result["counts"]["stacks"], 140001)


class Decoders(unittest.TestCase):
    """What an independent decoder makes of the same bytes."""

    def compare(self, data):
        expected = Reader(data)
        functions, lines = expected.shares()
        result = report(data)
        period = expected.period_ns
        self.assertEqual(result["summary"]["samples"], len(expected.samples))

        def rows(of, by_line):
            sums = {}
            for row in of:
                if row["function"] == "[native]":
                    continue
                key = (row["function"], row["line"], row["file"])
                if by_line:
                    key = row["function"], row["file"], row["line"]
                both = sums.setdefault(key, [0, 0])
                both[0] += row["self_ns"]
                both[1] += row["total_ns"]
            return sums
        self.assertEqual(
            rows(result["functions"], False),
            {key: [own * period, all_ * period]
             for key, (own, all_) in functions.items()})
        if expected.mode & LINES:
            by_line = {}
            for ((function, _, file), line), (own, _) in lines.items():
                key = function, file, line
                by_line[key] = by_line.get(key, 0) + own * period
            self.assertEqual(
                {key: own for key, (own, _) in
                 rows(result["lines"], True).items() if own},
                {key: own for key, own in by_line.items() if own})
        self.assertEqual(result["damage"]["bytes_unread"], 0)

    def test_random_logs(self):
        chance = random.Random(7)
        for mode in (PAIRS, 0, LINES, PAIRS | MEMORY, MEMORY | LINES):
            log = Log(mode=mode)
            for ident in range(8, 400, 4):
                log.name(ident, "py:f%d:%d:m%d.py" % (
                    ident % 90, ident % 70, ident % 3))
            for _ in range(3000):
                frames = []
                for _ in range(chance.randrange(1, 20)):
                    native = chance.random() < 0.1
                    ident = chance.randrange(2, 100) * 4
                    if mode & PAIRS:
                        kind = NATIVE if native else chance.choice(
                            (CODE, JITTED, ASSEMBLER, BLACKHOLE, GC))
                        frames += [kind, ident + 4001 if native else ident]
                    else:
                        if mode & LINES:
                            frames.append(0 if native
                                          else chance.randrange(90))
                        frames.append(ident + 4001 if native else ident)
                log.stack(frames, memory=5 if mode & MEMORY else None,
                          thread=chance.randrange(3))
            with self.subTest(mode=mode):
                self.compare(log.end().bytes())

    @unittest.skipUnless(SAMPLES, "VMPROF_TEST_SAMPLES is not set")
    def test_files_of_others(self):
        compared = 0
        files = glob.glob(os.path.join(SAMPLES, "**", "*.prof"),
                          recursive=True)
        for name in sorted(files):
            with open(name, "rb") as file:
                data = file.read()
            with self.subTest(file=name):
                try:
                    Reader(data)
                except (AssertionError, ValueError, struct.error,
                        UnicodeDecodeError):
                    # Read what there is, or say why not.
                    done = vmprof("info", name)
                    self.assertIn(done.returncode, (0, 1))
                    self.assertEqual(bool(done.stderr),
                                     done.returncode == 1)
                    continue
                self.compare(data)
                compared += 1
        self.assertGreater(compared, 0)



class Memory(unittest.TestCase):
    LIMIT = 64 << 20  # of address space, the program and its libraries too
    SIZE = LIMIT + (16 << 20)

    def limit(self):
        resource.setrlimit(resource.RLIMIT_AS, (self.LIMIT, self.LIMIT))

    @unittest.skipIf(SLOW, "a sanitizer needs more address space")
    def test_a_log_is_larger_than_the_memory_that_it_takes(self):
        log = names(Log())
        stacks = Log(header=False, begin=False)
        start = len(stacks.data)
        for i in range(500):
            stacks.stack(pairs((CODE, (F, G, H)[i % 3]), *[(CODE, F)] * i))
        once = stacks.data[start:]
        times = self.SIZE // len(once) + 1
        file = path("large.prof")
        with open(file, "wb") as out:
            out.write(log.data)
            for _ in range(times):
                out.write(once)
            out.write(Log(header=False, begin=False).end().data[start:])
        self.addCleanup(os.unlink, file)
        done = vmprof("report", "--json", file, preexec_fn=self.limit)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(json.loads(done.stdout)["summary"]["samples"],
                         500 * times)

class Progress(unittest.TestCase):
    def position(self, process, file):
        """How far it has read."""
        directory = f"/proc/{process.pid}/fd"
        for number in os.listdir(directory):
            try:
                if os.readlink(f"{directory}/{number}") == file:
                    with open(f"/proc/{process.pid}/fdinfo/{number}",
                              encoding="ascii") as info_file:
                        return int(info_file.readline().split()[1])
            except FileNotFoundError:
                pass
        return 0

    def test_a_terminal_sees_a_bar_when_it_takes_long(self):
        one = struct.pack("<B7q", 1, 1, 4, CODE, G, CODE, F, 0)
        member = gzip.compress(one * 100000, 1)
        file = write(gzip.compress(names(Log()).bytes()) + member * 60,
                     "long.prof")
        outer, inner = pty.openpty()
        with subprocess.Popen([VMPROF, "info", file], stderr=inner,
                              stdout=subprocess.DEVNULL) as process:
            os.close(inner)
            while not self.position(process, file):
                self.assertIsNone(process.poll())
            # So it has taken more than a second when it goes on.
            process.send_signal(signal.SIGSTOP)
            time.sleep(1.1)
            process.send_signal(signal.SIGCONT)
            shown = b""
            try:
                while got := os.read(outer, 65536):
                    shown += got
            except OSError:  # the end of a terminal
                pass
        os.close(outer)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(shown, rb"\rReading \[=* *\] +\d+ %")
        self.assertTrue(shown.endswith(b"\r\x1b[K"))


if __name__ == "__main__":
    tap.main()
