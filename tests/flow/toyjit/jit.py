# SPDX-License-Identifier: MIT

"""What the tests of the toy VM's JIT share: running it, and its own account."""

import collections
import json
import pathlib
import platform
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "support"))

import events  # noqa: E402
import tap  # noqa: E402,F401

TOYVM = pathlib.Path(sys.argv.pop(1)).resolve()
PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
# Where the command is not built, those tests that need it are not run.
VMPROF = pathlib.Path(sys.argv.pop(1)).resolve() if sys.argv[1:] else None

HAS_MACHINE_CODE = platform.machine() == "x86_64"
BACKENDS = ["on", "threaded"] if HAS_MACHINE_CODE else ["threaded"]


def run(program, *arguments, options=(), timeout=240, directory=None):
    """Options without their -X: jit="on", hot=2 as "jit=on", "jit-hot=2"."""
    extra = [word for option in options for word in ("-X", option)
             if not option.startswith("--")]
    plain = [word for option in options if option.startswith("--")
             for word in option.split("=", 1)]
    return subprocess.run(
        [TOYVM, *extra, *plain, program, *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, cwd=directory)


def outcome(done):
    return done.stdout, done.stderr, done.returncode


class Truth:
    """What --jit-truth wrote of the first thread."""

    def __init__(self, path):
        self.thread = json.loads(path.read_text())["threads"][0]
        self.traces = {trace["id"]: trace for trace in self.thread["traces"]}
        self.edges = {(edge["from"], edge["to"], edge["edge"]): edge["count"]
                      for edge in self.thread["edges"]}
        self.guards = {guard["id"]: guard for trace in self.traces.values()
                       for guard in trace["guards"]}

    def find(self, kind, function=None, **more):
        """The one trace that is so."""
        found = [trace for trace in self.traces.values()
                 if trace["kind"] == kind and
                 function in (None, trace["function"]) and
                 all(trace[key] == value for key, value in more.items())]
        assert len(found) == 1, (kind, function, more, found)
        return found[0]

    def out_of(self, trace):
        return self.sum(0, trace)

    def into(self, trace):
        return self.sum(1, trace)

    def sum(self, side, trace):
        total = collections.Counter()
        for key, count in self.edges.items():
            if key[side] == trace:
                total[key[2]] += count
        return total


def truth_of(program, *arguments, backend="threaded", options=()):
    """What a program printed, and the truth about it."""
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "truth"
        done = run(PROGRAMS / program, *arguments,
                   options=[f"jit={backend}", f"--jit-truth={path}", *options])
        assert (done.stderr, done.returncode) == ("", 0), done
        return done.stdout, Truth(path)


class Profiled:
    """A program that was profiled, with events, and the truth about it."""

    EVENTS = ("jit-emits=current,count,event", "jit-inner=each")

    def __init__(self, program, *arguments, backend, options=EVENTS):
        with tempfile.TemporaryDirectory() as directory:
            self.directory = pathlib.Path(directory)
            truth, profile = self.directory / "truth", self.directory / "p"
            done = run(PROGRAMS / program, *arguments,
                       options=[f"jit={backend}", *options,
                                f"--profile={profile}",
                                f"--jit-truth={truth}"])
            assert done.returncode == 0, done
            self.truth = Truth(truth)
            self.events = events.of_file(profile)
            self.report = json.loads(subprocess.run(
                [VMPROF, "jit", "--json", "--inner=each", "--calls=nest",
                 profile], capture_output=True, text=True, check=True,
                timeout=240).stdout)
        self.traces = {trace["id"]: trace for trace in self.report["traces"]}
        self.numbers = {trace["number"]: trace["id"]
                        for trace in self.report["traces"]} | {0: 0}
