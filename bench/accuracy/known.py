# SPDX-License-Identifier: MIT

"""One run of the program with known truth, and how far its profile is off."""

import json
import math
import statistics
import subprocess

NOT_HERE = 77
FULL_SAMPLES = 10000
SHARE_BUDGET = 1.0   # points, at FULL_SAMPLES
TOTAL_BUDGET = 0.1   # per cent
THREAD_BUDGET = 1.0  # per cent
CV_BUDGET = 0.02


class NotHere(Exception):
    """This engine is not to be had here."""


def run(program, mix, engine, threads, seconds, rate):
    done = subprocess.run(
        [program, mix, engine, str(threads), str(seconds), str(rate)],
        capture_output=True, text=True)
    if done.returncode == NOT_HERE:
        raise NotHere(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(f"{mix} {engine}: {done.stderr.strip()}")
    return Run(json.loads(done.stdout), rate)


class Run:
    def __init__(self, result, rate):
        self.result, self.rate = result, rate
        self.samples = result["samples"]
        self.squares = result["squares"]
        self.rusage = result["rusage_ns"]
        self.sampled = sum(result["found_ns"].values()) + result["unknown_ns"]

    def share_error(self):
        """The largest, in points. What is in no function counts as missing;
        attaching and detaching, as far as it is in the profile, is true of
        none."""
        true, found = self.result["truth_ns"], self.result["found_ns"]
        if not self.sampled:
            return 100.0
        around = min(max(self.sampled - self.rusage, 0),
                     self.result["most_rusage_ns"] - self.rusage)
        return max(abs(100 * found[name] / self.sampled -
                       100 * true[name] / (sum(true.values()) + around))
                   for name in true)

    def worth(self):
        """How many samples of one and the same weight would say as much."""
        return max(self.sampled ** 2 / self.squares if self.squares else 0, 1)

    def noise(self):
        """The standard deviation of a share of so many samples, in points, if
        each fell where it falls by chance alone."""
        true = self.result["truth_ns"]
        share = true["a"] / sum(true.values())
        return 100 * math.sqrt(share * (1 - share) / self.worth())

    def share_budget(self):
        """A shorter run is allowed what its samples allow."""
        return SHARE_BUDGET * max(1, math.sqrt(FULL_SAMPLES / self.worth()))

    def total_error(self):
        """Of the profile's total, in per cent of getrusage's. Attaching and
        detaching are partly in the profile: either is right."""
        total = self.result["profile_ns"] or self.sampled
        if self.rusage <= total <= self.result["most_rusage_ns"]:
            return 0.0
        return 100 * (total / self.rusage - 1)

    def delivered(self):
        """The samples' weight, in per cent of the CPU time."""
        return 100 * self.sampled / self.rusage

    def achieved_rate(self):
        """Samples for each second of CPU time."""
        return self.samples / (self.rusage * 1e-9)

    def by_thread(self):
        """What each thread's samples weigh, in per cent of its CPU time; empty
        if the engine does not tell."""
        threads = self.result["threads"]
        if not any(t["samples"] for t in threads):
            return []
        return [100 * t["sampled_ns"] / t["rusage_ns"] for t in threads]

    def variation(self):
        """The coefficient of variation over the threads, or None."""
        values = self.by_thread()
        if len(values) < 2:
            return None
        return statistics.pstdev(values) / max(statistics.mean(values), 1e-9)
