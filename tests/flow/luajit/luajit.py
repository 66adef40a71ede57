# SPDX-License-Identifier: MIT

"""How the tests of the LuaJIT shim run programs and read profiles. Their first
three arguments are the interpreter, the module and the command vmprof."""

import json
import os
import pathlib
import subprocess
import sys

LUAJIT, MODULE, VMPROF = sys.argv[1:4]
del sys.argv[1:4]
HERE = pathlib.Path(__file__).parent
PROGRAMS = sorted((HERE / "programs").glob("*.lua"))


def environment(**variables):
    clean = {name: value for name, value in os.environ.items()
             if not name.startswith(("LUA_", "VMPROF_"))}
    clean["LUA_CPATH"] = f"{pathlib.Path(MODULE).parent}/?.so;;"
    clean["VMPROF_LUAJIT_MODULE"] = MODULE
    return clean | variables


def run(*command, timeout=240, **variables):
    return subprocess.run([str(word) for word in command], text=True,
                          capture_output=True, timeout=timeout,
                          env=environment(**variables))


def run_started(program, file, *arguments, interval=0.001, **options):
    """A program that starts with a session, and ends with its counters as the
    last line of its stderr."""
    lines = [f"file = '{file}'", f"interval = {interval}"]
    lines += [f"{name} = '{value}'" for name, value in options.items()]
    return run(LUAJIT, HERE / "started.lua", "{" + ", ".join(lines) + "}",
               program, *arguments)


def counters(done):
    """What the last line of run_started() says."""
    words = done.stderr.splitlines()[-1].split()
    return {name: float(value) for name, value in
            (word.split("=") for word in words)}


def read(what, path):
    done = run(VMPROF, what, "--json", path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
