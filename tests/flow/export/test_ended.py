#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_ended.py VMPROF: what an export leaves that does not come to its end."""

import os
import resource
import signal
import subprocess
import time
import unittest

import command
import stacks
import tap

DEADLINE = 60
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGXCPU)


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Ended(command.CommandTest):
    def setUp(self):
        super().setUp()
        stacks.small(self.path("a.vmprof"))
        with open(self.path("a.vmprof"), "rb") as file:
            self.profile = file.read()
        with open(self.path("out"), "w") as file:
            file.write("before")
        self.before = self.files()

    def start(self, *arguments, **options):
        """Runs until it writes, and waits for the rest of its input."""
        process = subprocess.Popen(
            [command.VMPROF, *arguments, "-o", "out"], cwd=self.directory,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, **options)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdin.write(self.profile[:40])
        process.stdin.flush()
        wait_for(lambda: len(self.files()) > len(self.before))
        return process

    def is_as_before(self):
        self.assertEqual(self.files(), self.before)
        with open(self.path("out")) as file:
            self.assertEqual(file.read(), "before")

    def test_a_signal_ends_it_and_leaves_what_was_there(self):
        for arguments in (["convert", "-", "--to", "pprof"],
                          ["flamegraph", "-"]):
            for number in SIGNALS:
                process = self.start(*arguments)
                process.send_signal(number)
                self.assertEqual(process.wait(timeout=DEADLINE), -number)
                self.is_as_before()

    def test_a_signal_that_was_ignored_stays_so(self):
        process = self.start(
            "convert", "-", "--to", "collapsed", preexec_fn=lambda:
            signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        process.stdin.write(self.profile[40:])
        process.stdin.close()
        self.assertEqual(process.wait(timeout=DEADLINE), 0)
        self.assertEqual(self.files(), self.before)
        with open(self.path("out"), "rb") as file:
            self.assertIn(b"main", file.read())

    def test_a_file_that_may_not_grow_is_an_error(self):
        limit = 64
        for arguments in (["convert", "a.vmprof", "--to", "speedscope"],
                          ["convert", "a.vmprof", "--to", "chrome"],
                          ["flamegraph", "a.vmprof"]):
            said = self.fail_with(
                1, *arguments, "-o", "out", preexec_fn=lambda:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            self.assertIn("cannot write", said)
            self.assertIn(os.strerror(27), said)
            self.is_as_before()


if __name__ == "__main__":
    tap.main()
