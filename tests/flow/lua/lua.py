# SPDX-License-Identifier: MIT

"""How the tests of the Lua shim run programs and read profiles. Their first
three arguments are the interpreter, the module and the command vmprof."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

LUA, MODULE, VMPROF = sys.argv[1:4]
del sys.argv[1:4]
HERE = pathlib.Path(__file__).parent
SLOW = bool(os.environ.get("VMPROF_TEST_SLOW"))


def environment(**variables):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("LUA_", "VMPROF_"))}
    clean["LUA_CPATH_5_4"] = f"{pathlib.Path(MODULE).parent}/?.so;;"
    clean["VMPROF_LUA_MODULE"] = MODULE
    return clean | variables


def run(*command, **variables):
    return subprocess.run([str(word) for word in command], text=True,
                          capture_output=True, timeout=240,
                          env=environment(**variables))


class Profile:
    """What `vmprof report --json` says of a file."""

    def __init__(self, path):
        done = run(VMPROF, "report", "--json", path)
        assert done.returncode == 0, done.stderr
        self.report = json.loads(done.stdout)
        self.functions = self.report["functions"]
        self.whole = self.report["summary"]["sampled_ns"]

    def self_share(self, function):
        return 100 * sum(row["self_ns"] for row in self.functions
                         if row["function"] == function) / self.whole

    def stacks(self):
        """(names, self_ns) of each node of the tree, outermost first."""
        stacks = {0: ()}
        for node in self.report["tree"]:
            name = self.functions[node["function"]]["function"]
            stacks[node["id"]] = stacks[node["parent"]] + (name,)
            yield stacks[node["id"]], node["self_ns"]

    def share_of_stacks(self, *part):
        """Of the stacks that hold `part`, one beneath the other."""
        found = 0
        for names, self_ns in self.stacks():
            if any(names[i:i + len(part)] == part for i in range(len(names))):
                found += self_ns
        return 100 * found / self.whole


def record(command, *options, **variables):
    """Record a command to its good end; returns its profile and output."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "profile"
        done = run(VMPROF, "record", "-o", file, *options, "--", *command,
                   **variables)
        assert done.returncode == 0, done.stderr
        return Profile(file), done


def record_lua(code, *options, **variables):
    """Record a program that is given as text."""
    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory) / "program.lua"
        program.write_text(code, encoding="utf-8")
        return record([LUA, program], *options, **variables)


def start_lua(code):
    """Run a program that starts to profile itself into arg[1]."""
    with tempfile.TemporaryDirectory() as directory:
        program = pathlib.Path(directory) / "program.lua"
        program.write_text(code, encoding="utf-8")
        file = pathlib.Path(directory) / "profile"
        done = run(LUA, program, file)
        assert done.returncode == 0, done.stderr
        return Profile(file)
