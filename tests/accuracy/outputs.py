#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""All outputs add up to the CPU time that the kernel says was used, to a
thousandth: outputs.py VMPROF PROGRAM BENCH_DIRECTORY EXPORT_TESTS."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

VMPROF, PROGRAM, BENCH, EXPORT = (sys.argv.pop(1) for _ in range(4))
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "support"),
                BENCH, EXPORT]

import json  # noqa: E402

import known  # noqa: E402
import pprof  # noqa: E402
import tap  # noqa: E402

RATE = 1000
ALL = bool(os.environ.get("VMPROF_TEST_ALL"))
MIXES = (("steady", "bursty", "lockstep", "evading", "brief") if ALL else
         ("steady", "bursty"))
ENGINES = (("perf", "monotonic", "cpu-timer", "observer", "polled") if ALL else
           ("perf", "monotonic", "polled"))
SECONDS = 3 if ALL else 0.8


def vmprof(*arguments):
    return subprocess.run([VMPROF, *map(str, arguments)], check=True,
                          stdout=subprocess.PIPE).stdout


class Outputs(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = pathlib.Path(directory.name) / "profile.vmprof"

    def record(self, mix, engine):
        os.environ["VMPROF_ACCURACY_FILE"] = str(self.file)
        try:
            return known.run(PROGRAM, mix, engine, 2, SECONDS, RATE)
        except known.NotHere as error:
            raise unittest.SkipTest(str(error)) from None

    def totals(self):
        """In nanoseconds, by output."""
        report = json.loads(vmprof("report", "--json", self.file))
        summary = report["summary"]
        yield "report", summary["sampled_ns"] + summary["unsampled_ns"]
        yield "threads", sum(t["cpu_ns"] for t in report["threads"])
        yield "functions", sum(f["self_ns"] for f in report["functions"])
        lines = vmprof("convert", self.file, "--to", "collapsed", "-o", "-")
        yield "collapsed", 1000 * sum(int(line.split()[-1])
                                      for line in lines.splitlines())
        yield "speedscope", self.speedscope()
        yield "pprof", self.pprof()

    def speedscope(self):
        page = json.loads(vmprof("convert", self.file, "--to", "speedscope",
                                 "-o", "-"))
        scale = {"nanoseconds": 1, "microseconds": 1e3, "seconds": 1e9}
        return sum(sum(p["weights"]) * scale[p["unit"]]
                   for p in page["profiles"])

    def pprof(self):
        out = self.file.with_suffix(".pb.gz")
        vmprof("convert", self.file, "--to", "pprof", "-o", out)
        return sum(values[-1] for _, values, _ in pprof.Pprof(out).samples)

    def check(self, engine):
        for mix in MIXES:
            truth = self.record(mix, engine)
            least = truth.rusage * (1 - known.TOTAL_BUDGET / 100)
            most = (truth.result["most_rusage_ns"] *
                    (1 + known.TOTAL_BUDGET / 100))
            for output, total in self.totals():
                with self.subTest(mix=mix, output=output):
                    self.assertGreater(total, least)
                    self.assertLess(total, most)


for ENGINE in ENGINES:
    setattr(Outputs, f"test_{ENGINE}_adds_up_to_what_getrusage_says",
            lambda self, engine=ENGINE: self.check(engine))

if __name__ == "__main__":
    tap.main()
