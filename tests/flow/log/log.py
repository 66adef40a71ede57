#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""log.py VMPROF TOYVM PROGRAMS DIRECTORY: vmprof logs that are recorded and
converted are what their readers want: a strict one of our own, and
vmprof-python, which is installed in DIRECTORY once."""

import collections
import json
import math
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / "support"), str(HERE)]

import strict
import tap

VMPROF, TOYVM = (str(pathlib.Path(word).resolve()) for word in sys.argv[1:3])
PROGRAMS = pathlib.Path(sys.argv[3]).resolve()
PLACE = pathlib.Path(sys.argv[4]).resolve() / "vmprof-python"
SLOW = "VMPROF_TEST_SLOW" in os.environ
# The last whose every release reads version 6 and no later one.
STOCK = "vmprof==0.4.18.1"


def run(*words, **more):
    return subprocess.run([str(word) for word in words], text=True,
                          capture_output=True, timeout=240, **more)


def vmprof(*words, **more):
    return run(VMPROF, *words, **more)


def report(file):
    return json.loads(vmprof("report", "--json", file).stdout)


def install():
    """The Python that has vmprof-python, or the reason why there is none."""
    python = PLACE / "bin" / "python3"
    mark = PLACE / "done"
    if mark.exists():
        return python, None
    for words in ([sys.executable, "-m", "venv", "--clear", PLACE],
                  [python, "-m", "pip", "install", "--quiet",
                   "--disable-pip-version-check", "--retries", "1",
                   "--timeout", "20", STOCK]):
        try:
            done = run(*words)
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, str(error)
        if done.returncode:
            lines = (done.stderr + done.stdout).split("\n")
            return None, " ".join(line for line in lines if line)[-300:]
    mark.touch()
    return python, None


class Case(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.file = self.directory / "demo.prof"

    def record(self, *options, program=("shares.toy", "0.5"), code=0):
        done = vmprof("record", "-f", "vmprof-log", "-o", self.file, *options,
                      "--", TOYVM, PROGRAMS / program[0], *program[1:])
        if "native frames" in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def load(self, file=None, **more):
        return strict.Log((file or self.file).read_bytes(), **more)

    def start(self, file, seconds, **more):
        """The VM by itself, recording because the environment says so."""
        setting = f"interval=0.0005;format=vmprof-log;memory=on;file={file}"
        return subprocess.Popen(
            [TOYVM, PROGRAMS / "depth12.toy", str(seconds)],
            env={**os.environ, "VMPROF_RECORD": setting},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)

    def await_samples(self, file):
        deadline = time.monotonic() + (120 if SLOW else 30)
        while not file.exists() or file.stat().st_size < 4096:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)


class Recorded(Case):
    def check_counts(self, log):
        """Each sample is there, and beside them what stands for more time."""
        meta = {key: int(value) for key, value in log.meta.items()
                if key.startswith("vmprof.") and value.isdigit()}
        self.assertGreater(meta["vmprof.samples"], 0)
        self.assertGreaterEqual(len(log.samples), meta["vmprof.samples"] +
                                meta["vmprof.repeats"])
        if not meta["vmprof.system_ticks"]:
            self.assertEqual(meta["vmprof.samples"] + meta["vmprof.repeats"],
                             len([s for s in log.samples if s.frames and
                                  not self.is_gap(log, s)]) +
                             len([s for s in log.samples if not s.frames]))
        # As much time as the weights say, but for debts and roundings.
        sampled_us = len(log.samples) * log.period_us
        self.assertLess(abs(sampled_us - meta["vmprof.sampled_ns"] / 1000),
                        (20 + 0.03 * len(log.samples)) * log.period_us)

    def is_gap(self, log, sample):
        return log.function(sample.frames[0][1]) in ("[system calls]",
                                                     "[no poll]")

    def check(self, *options, mode):
        self.record(*options)
        log = self.load()
        self.assertEqual(log.mode, mode)
        self.assertEqual(log.vm, "toyvm")
        self.assertEqual(log.meta["os"], "linux")
        self.assertEqual(log.meta["vmprof.program"], "toyvm")
        self.assertGreaterEqual(log.end, log.start)
        self.check_counts(log)
        said = report(self.file)
        self.assertEqual(said["summary"]["samples"], len(log.samples))
        self.assertEqual(said["damage"]["bytes_unread"], 0)
        return log

    def test_stacks_are_pairs_with_the_kernels_thread_ids(self):
        log = self.check(mode=strict.PAIRS)
        self.assertEqual({s.thread for s in log.samples},
                         {int(log.meta["vmprof.pid"])})
        functions = {log.function(i) for i in log.names}
        self.assertLessEqual({"<main>", "compute", "half"}, functions)
        self.assertIn("half", {log.function(s.frames[0][1])
                               for s in log.samples if s.frames})

    def test_wall_mode_is_real_time_and_threads_have_their_names(self):
        log = self.check("-m", "wall", mode=strict.PAIRS | strict.REAL_TIME)
        self.assertTrue(any(value.split(" ", 1)[1] for key, value in
                            log.meta.items()
                            if key.startswith("vmprof.thread.")))

    def test_lines_are_those_of_the_program(self):
        log = self.check("--lines", mode=strict.LINES)
        source = (PROGRAMS / "shares.toy").read_text().split("\n")
        loops = {number for number, line in enumerate(source, 1)
                 if "for i in" in line or "sum" in line}
        leaves = collections.Counter(
            s.frames[0][2] in loops for s in log.samples
            if s.frames and log.function(s.frames[0][1]) == "half")
        self.assertGreater(leaves[True], 0)
        self.assertFalse(leaves[False])

    def test_memory_is_that_of_the_process(self):
        log = self.check("--memory", mode=strict.PAIRS | strict.MEMORY)
        sizes = [s.memory for s in log.samples]
        # No process is smaller than its C library, and this one is small.
        self.assertGreater(min(sizes), 256)
        self.assertLess(max(sizes), 4 << 20)

    def test_memory_is_there_in_wall_mode_and_without_signals(self):
        for how in (["-m", "wall"], ["-c", "observer"]):
            self.record("--memory", *how)
            self.assertGreater(min(s.memory for s in self.load().samples), 256)

    def test_native_frames_have_the_names_of_their_functions(self):
        log = self.check("-g", mode=strict.PAIRS | strict.WITH_NATIVE)
        named = {log.function(ident): log.names[ident]
                 for ident in log.names if ident & 1}
        self.assertLessEqual({"main", "interp_run", "run_plain"}, set(named))
        self.assertIn(TOYVM, named["run_plain"])
        for sample in log.samples:
            functions = [log.function(f[1]) for f in sample.frames]
            if "compute" in functions and "run_plain" in functions:
                self.assertLess(functions.index("compute"),
                                functions.index("run_plain"))
                return
        self.fail("no stack has both kinds of frames")

    def test_each_process_has_a_log_of_its_own(self):
        both = f"'{TOYVM}' '{PROGRAMS}/shares.toy' 0.3"
        done = vmprof("record", "-f", "vmprof-log", "-o", self.file, "--",
                      "sh", "-c", f"{both} & {both} & wait; {both}")
        self.assertEqual(done.returncode, 0, done.stderr)
        files = sorted(self.directory.iterdir())
        self.assertEqual(len(files), 3, files)
        logs = [self.load(file) for file in files]
        for file, log in zip(files[1:], logs[1:]):
            self.assertEqual(file.name,
                             f"demo.prof.{log.meta['vmprof.pid']}")
        self.assertTrue(all(log.samples and log.end for log in logs))
        for file in files[1:]:
            self.assertIn(str(file), done.stderr)

    def test_a_log_takes_the_place_of_the_last_one(self):
        self.record()
        done = self.record()
        self.assertIn("next: vmprof report", done.stderr)
        self.load()

    def test_a_process_killed_at_any_moment_leaves_whole_records(self):
        dice = random.Random(3)
        for turn in range(4 if SLOW else 12):
            file = self.directory / f"{turn}.prof"
            process = self.start(file, 60)
            try:
                self.await_samples(file)
                time.sleep(0.2 * dice.random())
            finally:
                process.kill()
                process.wait(30)
            # A write that the kill came into may be half.
            log = self.load(file, may_be_torn=True)
            self.assertGreater(len(log.samples), 0)
            self.assertIsNone(log.end)
            log.check_names()
            said = json.loads(vmprof("info", "--json", file).stdout)
            self.assertEqual(said["counts"]["samples"], len(log.samples))
            self.assertFalse(said["sessions"][0]["ended"])

    def test_a_full_disk_is_said_and_what_was_written_is_readable(self):
        limit = 12 << 10

        def shrink():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        done = vmprof("record", "-f", "vmprof-log", "-o", self.file, "--",
                      TOYVM, PROGRAMS / "shares.toy", "3", preexec_fn=shrink)
        # Which the VM says, too, at the end of a good run.
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("not whole", done.stderr)
        self.assertIn("stops early", done.stderr)
        self.assertIn("File too large", done.stderr)
        log = self.load()
        self.assertGreater(len(log.samples), 0)

    def test_a_device_that_takes_nothing_does_not_stop_the_program(self):
        process = self.start("/dev/full", 0.2)
        self.assertEqual(process.wait(60), 1, "the VM says so at its end")

    def test_parts_of_a_log_are_of_a_log(self):
        for words in (["record", "--lines"], ["record", "--memory"],
                      ["record", "-f", "other"]):
            done = vmprof(*words, "-o", self.file, "--", "true")
            self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse(self.file.exists())


class Converted(Case):
    def profile(self, *options, program=("shares.toy", "0.5")):
        file = self.directory / "demo.vmprof"
        done = vmprof("record", "-o", file, *options, "--", TOYVM,
                      PROGRAMS / program[0], *program[1:])
        if "native frames" in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        return file

    def convert(self, file, *options):
        done = vmprof("convert", file, "--to", "vmprof-log", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def shares(self, said):
        """Periods by (language, function), inclusive and exclusive."""
        period = said["sessions"][0]["interval_ns"]
        sums = collections.Counter()
        for row in said["functions"]:
            for key in ("self_ns", "total_ns"):
                sums[key, row["function"]] += row[key] / period
        return sums

    def check_shares(self, file, log):
        """What is rounded are the weights, of each stack at random."""
        before, after = (self.shares(report(f)) for f in (file, log))
        self.assertEqual({key for key in before if before[key] > 20},
                         {key for key in before if before[key] > 20 and
                          after[key]})
        for key in before:
            self.assertLess(abs(before[key] - after[key]),
                            5 + 4 * math.sqrt(before[key]), key)

    def test_a_profile_keeps_its_shares_and_says_what_it_loses(self):
        file = self.profile("-g", program=("objects.toy", "3000"))
        said = self.convert(file)
        log = self.load()
        self.assertEqual(log.mode, strict.LINES | strict.WITH_NATIVE)
        self.check_shares(file, self.file)
        self.assertRegex(said, r"not kept by the vmprof log: the times of "
                               r"\d+ samples, \d+ phases?, the kinds of")

    def test_counters_and_names_of_a_session_come_along(self):
        file = self.profile()
        self.convert(file)
        before, after = report(file), report(self.file)
        for key in ("program", "vm", "os", "machine", "pid", "clock",
                    "library_version", "has_counters"):
            if key in before["sessions"][0]:
                self.assertEqual(before["sessions"][0][key],
                                 after["sessions"][0][key], key)
        self.assertEqual(before["losses"]["expirations"],
                         after["losses"]["expirations"])

    def test_lines_are_kept_where_no_code_is_compiled(self):
        file = self.profile()
        self.convert(file)
        self.assertEqual(self.load().mode, strict.LINES)

    def test_a_log_becomes_the_same_log(self):
        for options in ([], ["-g", "--memory"], ["--lines"]):
            self.record(*options)
            copy = self.directory / "copy.prof"
            done = vmprof("convert", self.file, "--to", "vmprof-log", "-o",
                          copy)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("times", done.stderr)
            logs = self.load(), self.load(copy)
            self.assertEqual(*[[([(kind, log.names[ident], line)
                                  for kind, ident, line in sample.frames],
                                 sample.thread, sample.memory)
                                for sample in log.samples] for log in logs])
            self.assertEqual(logs[0].mode, logs[1].mode)

    def test_processes_stand_one_behind_the_other(self):
        file = self.directory / "demo.vmprof"
        both = f"'{TOYVM}' '{PROGRAMS}/shares.toy' 0.3"
        done = vmprof("record", "-o", file, "--", "sh", "-c", f"{both}; {both}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("holds 2 processes", self.convert(file))
        self.assertEqual(len(report(self.file)["sessions"]), 2)
        self.check_shares(file, self.file)

    def test_lines_are_asked_for_in_a_log_alone(self):
        file = self.profile()
        done = vmprof("convert", file, "--to", "collapsed", "--lines")
        self.assertEqual(done.returncode, 2, done.stderr)


@unittest.skipIf(SLOW, "what others make of them is no sanitizer's business")
class Stock(Case):
    """What vmprof-python makes of our files. Its reader needs no more than its
    wheel, which there is for the Pythons up to 3.12; elsewhere pip builds it."""

    @classmethod
    def setUpClass(cls):
        cls.python, cls.why = install()

    def setUp(self):
        super().setUp()
        if self.why:
            print("# vmprof-python CANNOT BE INSTALLED: it is not known "
                  "whether it reads our logs", file=sys.stderr)
            self.skipTest(f"no vmprof-python: {self.why}")

    def check(self, file):
        ours = self.load(file)
        done = run(self.python, HERE / "stock.py", file)
        self.assertEqual(done.returncode, 0, done.stderr)
        theirs = json.loads(done.stdout)
        self.assertEqual(theirs["names"], {str(i): n for i, n in
                                           ours.names.items()})
        self.assertEqual(theirs["lines"], bool(ours.mode & strict.LINES))
        self.assertEqual(theirs["memory"], bool(ours.mode & strict.MEMORY))
        self.assertEqual(theirs["interp"], ours.vm)
        self.assertEqual(theirs["meta"], ours.meta)
        self.assertEqual(
            theirs["samples"],
            [[[w for _, ident, line in reversed(s.frames)
               for w in ([ident, -line] if theirs["lines"] else [ident])],
              1, s.thread, s.memory or 0] for s in ours.samples])
        self.check_tree(file, ours, theirs)

    def check_tree(self, file, ours, theirs):
        self.assertEqual(theirs["tree"][0][2], len(ours.samples))
        if theirs["lines"]:
            # Those of a frame that calls itself are one node's.
            lines = sum(count for _, _, _, rows in theirs["tree"]
                        for count in rows.values())
            self.assertEqual(lines, sum(len(s.frames) for s in ours.samples))
        for how in ("tree", "flat"):
            done = run(self.python, "-m", "vmprof.show", file, how)
            self.assertEqual(done.returncode, 0, done.stderr)
            for function in ("compute", "half", "third"):
                self.assertIn(function, done.stdout)
            self.assertNotIn("Fatal", done.stdout)

    def test_it_reads_what_is_recorded_to_the_sample(self):
        for options in ([], ["--memory"], ["--lines"], ["--lines", "--memory"],
                        ["-m", "wall"]):
            with self.subTest(options=options):
                self.record(*options)
                self.check(self.file)

    def test_it_reads_native_frames_and_their_names(self):
        self.record("-g", "--memory")
        self.check(self.file)

    def test_it_reads_what_is_converted(self):
        file = self.directory / "demo.vmprof"
        done = vmprof("record", "-o", file, "--", TOYVM,
                      PROGRAMS / "shares.toy", "0.5")
        self.assertEqual(done.returncode, 0, done.stderr)
        for options in ([], ["--no-native"]):
            done = vmprof("convert", file, "--to", "vmprof-log", *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.check(self.file)

    def test_it_reads_what_a_killed_process_leaves(self):
        process = self.start(self.file, 60)
        try:
            self.await_samples(self.file)
        finally:
            process.kill()
            process.wait(30)
        ours = self.load(may_be_torn=True)
        # The reader takes no half record, which the kill leaves once in a
        # thousand times.
        data = self.file.read_bytes()
        self.file.write_bytes(data[:len(data) - ours.torn])
        done = run(self.python, HERE / "stock.py", self.file)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(json.loads(done.stdout)["samples"]),
                         len(ours.samples))


if __name__ == "__main__":
    tap.main()
