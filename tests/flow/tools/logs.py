#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof logs: what rvmprof and vmprof-python write.

With VMPROF_TEST_SAMPLES set, also all *.prof files below that directory."""

import glob
import gzip
import itertools
import json
import os
import random
import struct
import unittest

from command import by_name, info, path, report, tap, text, vmprof, write
from log_demo import (DEMO_SHARES, F, G, H, demo, names, pairs, shares,
                      undamaged)
from vmprof_log import (ALLOCATION, ASSEMBLER, BEGIN, BLACKHOLE, CODE, GC,
                        JITTED, JITTING, LINES, MEMORY, NATIVE, NATIVE_NAME,
                        OBJECTS, PAIRS, REAL_TIME, Log, Reader)

SAMPLES = os.environ.get("VMPROF_TEST_SAMPLES")


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


if __name__ == "__main__":
    tap.main()
