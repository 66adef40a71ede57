#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""killed.py VMPROF TOYVM PROGRAMS: what a real recording still says when it was
cut, or when its process was killed. The chunks are counted here, independently
of the command, from doc/format.md."""

import json
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).parents[2] / "support"))
import tap

VMPROF, TOYVM = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
PROGRAMS = pathlib.Path(sys.argv[3]).resolve()
SLOW = "VMPROF_TEST_SLOW" in os.environ
HEADER = struct.Struct("<4sIIIHHI")
SAMPLES, GROUP = 6, 9


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def count_in(kind, payload):
    """The samples of one payload, sections of groups included."""
    if kind == SAMPLES:
        return varint(payload, varint(payload, 0)[1])[0]
    total = at = 0
    while kind == GROUP and at < len(payload):
        section, at = varint(payload, at)
        size, at = varint(payload, at)
        total += count_in(section, payload[at:at + size])
        at += size
    return total


def chunks(data):
    """Each whole chunk: where it ends, and the samples up to there."""
    at = samples = 0
    while at + HEADER.size <= len(data):
        _, _, _, _, kind, _, size = HEADER.unpack_from(data, at)
        at += HEADER.size
        if at + size > len(data):
            return
        samples += count_in(kind, data[at:at + size])
        at += size
        yield at, samples


def info(path):
    done = subprocess.run([VMPROF, "info", "--json", path], timeout=60,
                          capture_output=True, check=True)
    return json.loads(done.stdout)


class Killed(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.file = pathlib.Path(self.directory.name) / "profile"

    def start(self, seconds):
        return subprocess.Popen(
            [TOYVM, "--profile", self.file, "--interval", "0.0005",
             PROGRAMS / "depth12.toy", str(seconds)],
            stderr=subprocess.DEVNULL)

    def test_a_recording_cut_at_1000_random_places_says_all_before(self):
        self.assertEqual(self.start(1).wait(60), 0)
        data = self.file.read_bytes()
        whole = list(chunks(data))
        self.assertEqual(whole[-1][0], len(data))
        dice = random.Random(1)
        cut = self.file.with_name("cut")
        for _ in range(100 if SLOW else 1000):
            size = dice.randrange(whole[0][0], len(data) + 1)
            end, samples = max(w for w in whole if w[0] <= size)
            cut.write_bytes(data[:size])
            said = info(cut)
            self.assertEqual(said["counts"]["samples"], samples, size)
            self.assertEqual(said["damage"]["bytes_unread"], size - end, size)

    def test_a_process_killed_at_any_moment_leaves_what_it_had(self):
        dice = random.Random(2)
        for _ in range(4 if SLOW else 20):
            process = self.start(60)
            deadline = time.monotonic() + 30
            while not self.file.exists() or not self.file.stat().st_size:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.001)
            time.sleep(0.2 + 0.3 * dice.random())
            killed = time.monotonic_ns()
            process.send_signal(signal.SIGKILL)
            process.wait(30)
            data = self.file.read_bytes()
            end, samples = list(chunks(data))[-1]
            said = info(self.file)
            session = said["sessions"][0]
            self.assertGreater(samples, 0)
            self.assertEqual(said["counts"]["samples"], samples)
            self.assertLess(len(data) - end, 1 << 16)
            self.assertFalse(session["ended"])
            # 100 ms by design; a busy machine is late with everything.
            kept = session["monotonic_ns"] + session["duration_ns"]
            self.assertLess(killed - kept, 2_000_000_000 if SLOW
                            else 1_000_000_000)
            self.file.unlink()


if __name__ == "__main__":
    tap.main()
