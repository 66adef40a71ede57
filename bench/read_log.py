#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""read_log.py BENCH BUILD: how fast a vmprof log is read and summed by stack, on
one core, from the page cache, and how much memory that takes; and the same by
the reader of vmprof-python, which pip installs into a directory of the build.

That one reads the beginning of the same log, a proportional part, for it takes
all of it into memory. Both take turns, so that a host that becomes slower in
between is slower for both. With --long the log has 1 GB."""

import pathlib
import statistics
import subprocess
import sys
import tempfile

import figures

# Megabytes of our log, and of the part that the other reader gets.
WHOLE, PART = (1000, 40) if figures.LONG else (256, 4)
RUNS = 5
MOST_MIB = 64
LEAST_RATIO = 100

STOCK = """
import resource, sys, time, vmprof
start = time.process_time()
profile = vmprof.read_profile(sys.argv[1])
taken = time.process_time() - start
print(len(profile.profiles), taken,
      resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def install(directory):
    """The Python that has the stock reader, or None and why."""
    python = directory / "bin" / "python"
    commands = [[sys.executable, "-m", "venv", directory],
                [python, "-m", "pip", "install", "--quiet",
                 "--disable-pip-version-check", "vmprof"]]
    if python.exists() and subprocess.run(
            [python, "-c", "import vmprof"],
            capture_output=True).returncode == 0:
        return python, ""
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True,
                                  timeout=600)
        except (OSError, subprocess.TimeoutExpired) as error:
            return None, str(error)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            return None, said[-1] if said else f"{command[0]} failed"
    return python, ""


def measure(command):
    """Samples a second, samples, and the most memory in MiB."""
    samples, seconds, kib = subprocess.run(
        list(map(str, command)), check=True, capture_output=True,
        text=True).stdout.split()
    return int(samples) / float(seconds), int(samples), int(kib) / 1024


def say(name, megabytes, runs):
    rates = [rate for rate, _, _ in runs]
    print(f"{name}: {statistics.median(rates):,.0f} samples/s "
          f"({min(rates):,.0f} to {max(rates):,.0f}) of {runs[0][1]:,} in "
          f"{megabytes:,} MB, at most {max(m for _, _, m in runs):.1f} MiB "
          "resident", flush=True)
    return statistics.median(rates)


def report(ours, theirs):
    rate = say("ours", WHOLE, ours)
    rates = [rate * 1e-6 for rate, _, _ in ours]
    figures.row("vmprof log: samples read and summed, one core",
                f"{rate * 1e-6:.1f} million/s",
                spread=f"{min(rates):.1f}–{max(rates):.1f}")
    most = max(memory for _, _, memory in ours)
    figures.row(f"vmprof log: memory to read {WHOLE} MB, the whole process",
                f"{most:.1f} MiB", f"{MOST_MIB} MiB", "4000 stacks",
                met=most <= MOST_MIB)
    if not theirs:
        return
    stock = say("vmprof-python's", PART, theirs)
    ratios = [a[0] / b[0] for a, b in zip(ours, theirs)]
    ratio = statistics.median(ratios)
    print(f"ours is {ratio:.0f} times as fast, {min(ratios):.0f} to "
          f"{max(ratios):.0f}")
    figures.row("vmprof log: over vmprof-python's reader", f"{ratio:.0f} ×",
                f"{LEAST_RATIO} ×", f"{stock:,.0f} samples/s",
                spread=f"{min(ratios):.0f}–{max(ratios):.0f}",
                met=ratio >= LEAST_RATIO)


def main():
    bench, build = sys.argv[1], pathlib.Path(sys.argv[2])
    python, why = install(build / "stock-reader")
    if not python:
        print(f"vmprof-python cannot be installed (script/packages peers has "
              f"what that takes), so it is left out: {why}")
    with tempfile.TemporaryDirectory() as directory:
        whole, part = f"{directory}/whole", f"{directory}/part"
        for file, megabytes in ((whole, WHOLE), (part, PART)):
            subprocess.run([bench, "make", file, str(megabytes)], check=True)
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(measure([bench, "read", whole]))
            if python:
                theirs.append(measure([python, "-c", STOCK, part]))
    report(ours, theirs)


main()
