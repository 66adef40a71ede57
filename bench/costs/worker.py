# SPDX-License-Identifier: MIT

"""A process that does the same work again and again, under a profiler that each
request names."""

import json
import os
import random
import shutil
import subprocess

SLICE_NS = 60e6


class NotHere(Exception):
    """Something that a measurement needs is missing."""


class Slice:
    """What came of one request. `ns`: CPU time of the work, all threads; `all_ns`:
    with what went before it was measured, where the worker can tell."""

    def __init__(self, ns, result):
        self.ns = ns
        self.all_ns = result.get("cpu_ns", ns)
        self.samples = result.get("samples", 0)
        self.profiler_ns = result.get("profiler_ns", 0)
        self.wall_ns = result.get("wall_ns", 0)


class Worker:
    def __init__(self, command, env=None, package=None):
        if not shutil.which(command[0]):
            raise NotHere(f"{command[0]}: not installed "
                          f"(Debian package {package})")
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})})
        self.rounds = 1

    def run(self, variant="idle", rate=1000, threads=1, what="mixed"):
        words = [variant, rate, threads, what, self.rounds]
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        ns = 0
        for line in self.process.stdout:
            if line.startswith("{"):
                break
            ns += int(line)
        else:
            raise NotHere(self.process.stderr.read().strip() or
                          f"{variant}: the worker ended")
        result = json.loads(line)
        if "error" in result:
            raise NotHere(f"{variant}: {result['error']}")
        return Slice(ns, result)

    def calibrate(self, slice_ns=SLICE_NS, **what):
        """So that one slice takes about so much; JITs are warm then, too."""
        self.rounds = 1
        for _ in range(8):
            used = max(self.run(**what).ns, 1000)
            self.rounds = max(1, round(self.rounds *
                                       min(slice_ns / used, 10)))

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def interleave(requests, rounds):
    """Run each request, a name and a function, once in every round, in an order
    drawn anew. Returns lists of slices by name."""
    slices = {name: [] for name in requests}
    for _ in range(rounds):
        for name in random.sample(list(requests), len(requests)):
            slices[name].append(requests[name]())
    return slices
