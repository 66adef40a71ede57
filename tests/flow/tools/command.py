# SPDX-License-Identifier: MIT
"""Runs the command under test: the first argument of the test program."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "support"))

import tap  # noqa: E402,F401

VMPROF = os.path.abspath(sys.argv[1])
SLOW = bool(os.environ.get("VMPROF_TEST_SLOW"))
ALL = bool(os.environ.get("VMPROF_TEST_ALL"))
DEADLINE = 240 if SLOW else 60
DIRECTORY = tempfile.TemporaryDirectory(prefix="vmprof-test-")


def path(name):
    return os.path.join(DIRECTORY.name, name)


def write(data, name="file.vmprof"):
    with open(path(name), "wb") as file:
        file.write(data)
    return path(name)


def vmprof(*arguments, stdin=None, env=None, **more):
    """The completed process, its output as bytes."""
    return subprocess.run([VMPROF, *arguments], input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=DEADLINE, env={**os.environ, **(env or {})},
                          check=False, **more)


def text(*arguments, **more):
    """What it prints, if it succeeds."""
    done = vmprof(*arguments, **more)
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {done.returncode} {done.stderr}")
    return done.stdout.decode()


def report(data):
    """The report of a file with these bytes, from --json."""
    return json.loads(text("report", "--json", write(data)))


def info(data):
    return json.loads(text("info", "--json", write(data)))


def by_name(rows):
    return {row["function"]: row for row in rows}
