#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof logs that take long: in how much memory, and with a bar."""

import gzip
import json
import os
import pty
import resource
import signal
import struct
import subprocess
import time
import unittest

from command import SLOW, VMPROF, path, tap, vmprof, write
from log_demo import F, G, H, names, pairs
from vmprof_log import CODE, Log


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
        file = write(gzip.compress(names(Log()).bytes()) + member * 180,
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
