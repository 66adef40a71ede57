#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""recorded.py VMPROF EVENT_VM TOYVM: what vmprof record --events has of a run is what
the VM itself counted. TOYVM may be "-"."""

import collections
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))

from command import (DEADLINE, SLOW, VMPROF, path, tap, text,  # noqa: E402
                     vmprof, write)
import chrome  # noqa: E402

EVENT_VM = os.path.abspath(sys.argv[2])
TOYVM = sys.argv[3] if sys.argv[3] == "-" else os.path.abspath(sys.argv[3])
ROUNDS = 200 if SLOW else 1000
PROGRAM = b"""
fn fib(n) {
    if n < 2 { return n }
    return fib(n - 1) + fib(n - 2)
}

fn bad(n) {
    throw "no"
}

let total = 0
for i in 0..5 {
    total = total + fib(6)
    try { bad(i) } catch e { total = total + len([1]) }
}
"""


def record(*options, command):
    """What the command printed, and the file."""
    file = path("recorded.vmprof")
    done = vmprof("record", "-q", "-o", file, *options, *map(str, command))
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done, file


def run(*options, threads=1, rounds=ROUNDS, pause_us=0):
    done, file = record(*options,
                        command=(EVENT_VM, threads, rounds, pause_us))
    return json.loads(done.stdout), file


def totals(file):
    said = json.loads(text("info", "--json", file))["recorded_events"]
    return {row["kind"]: row for row in said["kinds"]}


def events(file, *options):
    return [json.loads(line) for line in
            text("events", "--ndjson", *options, file).splitlines()]


class Recorded(unittest.TestCase):
    def check_sums(self, fired, file, kinds=None):
        """Recorded and not, together, are what was fired, kind by kind."""
        rows = totals(file)
        there = collections.Counter(row["kind"] for row in events(file))
        self.assertEqual(set(rows), kinds or set(fired))
        for kind, row in rows.items():
            self.assertEqual(row["recorded"], there[kind])
            self.assertEqual(row["recorded"] + row["left_out"] +
                             row["over_rate"] + row["no_room"], fired[kind])
        return rows

    def test_all_that_was_fired_is_there_on_each_thread(self):
        fired, file = run("--events", "all", threads=3)
        rows = self.check_sums(fired, file)
        self.assertEqual(sum(row["left_out"] + row["over_rate"] for row in
                             rows.values()), 0)
        threads = collections.defaultdict(list)
        for row in events(file):
            threads[row["thread"]].append(row)
        self.assertEqual(len(threads), 3)
        for of in threads.values():
            self.assertEqual([row["kind"] for row in of[:4]],
                             ["thread-started", "call", "line", "call"])
            times = [row["time_ns"] for row in of]
            self.assertEqual(times, sorted(times))
            if sum(row["no_room"] for row in rows.values()) == 0:
                self.assertEqual([row["number"] for row in of],
                                 list(range(len(of))))

    def test_times_are_on_the_clock_of_the_samples(self):
        _, file = run("--events", "vm", threads=2)
        said = json.loads(text("events", "--json", file))
        session = said["sessions"][0]
        rows = collections.defaultdict(list)
        for row in said["events"]:
            at = session["monotonic_ns"] + row["time_ns"]
            self.assertGreaterEqual(at, row["target"])
            self.assertLessEqual(row["time_ns"], session["duration_ns"])
            rows[row["thread"]].append((at, row["target"]))
        for of in rows.values():
            for (at, _), (_, told) in zip(of, of[1:]):
                self.assertLessEqual(at, told)

    def test_only_what_was_asked_for_is_recorded(self):
        fired, file = run("--events", "gc,raise")
        self.check_sums(fired, file, {"gc-start", "gc-end", "raise"})

    def test_calls_collections_and_calls_of_c_have_their_durations(self):
        _, file = run("--events", "calls,c-calls,gc", rounds=50)
        for row in events(file):
            self.assertIn("duration_ns", row, row)
        spans = chrome.spans(chrome.load(text(
            "convert", "--to", "chrome", "-o", "-", file)))
        names = collections.Counter(span[0] for span in spans)
        self.assertEqual(names, {"work": 50, "leaf": 100, "print": 50,
                                 "GC": 50})

    def test_one_in_n_is_within_what_chance_allows(self):
        period, rounds = 20, 10 * ROUNDS
        fired, file = run("--events", "call,line,vm", "--event-period",
                          str(period), rounds=rounds, threads=2)
        rows = self.check_sums(fired, file, {"call", "line", "vm-0"})
        for kind, row in rows.items():
            expected = fired[kind] / period
            # Distances are even from 1 to 2n - 1: a third of a Poisson's
            # variance, and each thread begins anywhere.
            self.assertLess(abs(row["recorded"] + row["no_room"] - expected),
                            6 * math.sqrt(expected), kind)
            self.assertEqual(row["over_rate"], 0)
        # No loop is in step with it: rounds are hit all over, odd and even.
        odd = sum(row.get("offset", 0) % 2 for row in
                  events(file, "--kind", "vm"))
        half = rows["vm-0"]["recorded"] / 2
        self.assertLess(abs(odd - half), 6 * math.sqrt(half))

    def test_a_rate_is_kept_and_what_is_above_it_is_counted(self):
        rate = 2000
        fired, file = run("--events", "all", "--event-rate", str(rate),
                          rounds=100 * ROUNDS)
        rows = self.check_sums(fired, file)
        self.assertGreater(sum(row["over_rate"] for row in rows.values()), 0)
        times = [row["time_ns"] for row in events(file)]
        for count in (rate // 8, rate // 4, rate // 2):
            for first, last in zip(times, times[count:]):
                self.assertGreaterEqual((last - first) * 1e-9,
                                        (count - 1) / rate - 0.1001)
        self.assertIn("lost above the rate", text("report", file))
        chrome.spans(chrome.load(text("convert", "--to", "chrome", "-o", "-",
                                      file)))

    def test_a_process_that_was_killed_leaves_what_it_had(self):
        file = path("killed.vmprof")
        process = subprocess.Popen(
            [VMPROF, "record", "-q", "-o", file, "--events", "all", EVENT_VM,
             "2", "0", "100"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            deadline = time.monotonic() + DEADLINE
            while True:
                self.assertLess(time.monotonic(), deadline)
                said = vmprof("info", "--json", file)
                if said.returncode == 0 and json.loads(
                        said.stdout)["recorded_events"]["recorded"] > 2000:
                    break
                time.sleep(0.02)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(DEADLINE)
        said = json.loads(text("events", "--json", file))
        self.assertGreater(len(said["events"]), 2000)
        self.assertFalse(said["sessions"][0]["ended"])
        self.assertEqual(said["damage"]["chunks_missing"], 0)
        chrome.spans(chrome.load(text("convert", "--to", "chrome", "-o", "-",
                                      file)))

    def test_options_that_mean_nothing_are_refused(self):
        for options, said in (
                (("--events", "call,nonsense"), b'there is no event "nonsense"'),
                (("--events", "call,nonsense"), b"gc-start"),
                (("--events", "call", "--event-period", "0"),
                 b"--event-period is a number from 1"),
                (("--events", "call", "--event-rate", "x"),
                 b"--event-rate is a number from 1"),
                (("--event-rate", "5"), b"are of --events"),
                (("--events", "call", "--format", "vmprof-log"),
                 b"--events is of --format native")):
            done = vmprof("record", "-o", path("never"), *options, EVENT_VM)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
            self.assertFalse(os.path.exists(path("never")))

    def test_a_bad_setting_in_the_environment_is_an_error(self):
        for setting in ("events=lin", "events=", "event-period=0;events=call",
                        "event-rate=-1;events=call",
                        "events=call;format=vmprof-log"):
            done = subprocess.run(
                [EVENT_VM, "1", "1"], capture_output=True, timeout=DEADLINE,
                env={**os.environ,
                     "VMPROF_RECORD": f"{setting};file={path('bad')}"})
            self.assertEqual(done.returncode, 1, setting)
            self.assertIn(b"profiling cannot be started", done.stderr)


@unittest.skipIf(TOYVM == "-", "there is no toy VM")
class Toy(unittest.TestCase):
    def test_a_program_is_recorded_as_its_vm_prints_it(self):
        program = write(PROGRAM, "program.toy")
        done, file = record("--events", "all", command=(
            TOYVM, "-X", "events=all", program))
        printed = collections.Counter(
            line.split()[0].decode().replace("_", "-")
            for line in done.stderr.splitlines())
        self.assertEqual({kind: row["recorded"] for kind, row in
                          totals(file).items()}, printed)
        self.assertGreater(printed["line"], 100)
        rows = [row for row in events(file, "--code", "fib")
                if row["kind"] == "call"]
        self.assertEqual(len(rows), printed["call"] - 6)
        self.assertTrue(all("duration_ns" in row for row in rows))
        # Each call takes as long as what it calls and more.
        for outer, inner in zip(rows, rows[1:]):
            if inner["time_ns"] < outer["time_ns"] + outer["duration_ns"]:
                self.assertLessEqual(inner["duration_ns"],
                                     outer["duration_ns"])

    def test_threads_of_a_program_are_kept_apart(self):
        program = write(PROGRAM, "program.toy")
        done, file = record("--events", "calls,threads", command=(
            TOYVM, "--threads", "3", "-X", "events=all", program))
        by_thread = collections.Counter(
            (row["thread"], row["kind"]) for row in events(file))
        threads = {thread for thread, _ in by_thread}
        self.assertEqual(len(threads), 3)
        for thread in threads:
            self.assertEqual(by_thread[thread, "call"], 131)
            self.assertEqual(by_thread[thread, "return"], 126)
            self.assertEqual(by_thread[thread, "unwind"], 5)
        chrome.spans(chrome.load(text("convert", "--to", "chrome", "-o", "-",
                                      file)))


if __name__ == "__main__":
    tap.main()
