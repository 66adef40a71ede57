#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""instructions.py BUILD ENTER_LEAVE: what hooks cost in instructions, counted by
callgrind: where a millionth of a second is decided by how code happens to lie in
memory, only this figure stays the same. Each program does its work once and
twice, and the difference is what the work takes."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import figures  # noqa: E402

BUILD, ENTER_LEAVE = map(pathlib.Path, sys.argv[1:3])
COLLECTED = re.compile(r"Collected : (\d+)")
CALLS_A_ROUND = 100000  # as in enter_leave.c
# Of fibonacci(16), and its own.
TOY_CALLS = 3193 + 1


def count(command, requests="", options=()):
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         *options, *map(str, command)], input=requests, text=True,
        capture_output=True,
        # Its own rows would be those of a valgrind.
        env={name: value for name, value in os.environ.items()
             if name != "VMPROF_BENCH_ROWS"})
    collected = COLLECTED.search(done.stderr)
    if done.returncode or not collected:
        raise RuntimeError(f"{command[0]}: {done.stderr.strip()}")
    return int(collected.group(1))


def of_toy_vm(worker, what, rounds):
    once, twice = (count([BUILD / worker, HERE / "work.toy"],
                         f"idle 1000 1 {what} {times * rounds}\n")
                   for times in (1, 2))
    return (twice - once) / rounds


def of_loop(function):
    """Instructions for one call in a loop of enter_leave.c."""
    once, twice = (count([ENTER_LEAVE, rounds], "",
                         [f"--toggle-collect={function}"])
                   for rounds in (1, 2))
    return (twice - once) / CALLS_A_ROUND


def main():
    if not shutil.which("valgrind"):
        print("left out: valgrind: not installed (Debian package valgrind)")
        return
    lines = []
    plain, linked, ours = (of_loop(f"loop_{name}")
                           for name in ("plain", "list", "vmprof"))
    lines.append(["enter and leave, a call", f"{ours - plain:+.2f}",
                  f"{linked - plain:+.2f} for a linked list's"])
    figures.row("enter and leave, instructions", f"{ours - plain:.2f}", None,
                f"{linked - plain:.2f} for a linked list's push and pop")
    for what, rounds in (("mixed", 5), ("calls", 5), ("loops", 5)):
        bare = of_toy_vm("toy_worker_bare", what, rounds)
        hooks = of_toy_vm("toy_worker", what, rounds)
        more = 100 * (hooks / bare - 1)
        each = (f"; {(hooks - bare) / TOY_CALLS:.2f} a call"
                if what == "calls" else "")
        lines.append([f"toy VM, {what}, hooks idle", f"{more:+.2f} %",
                      f"{bare:,.0f} without a hook{each}"])
        figures.row(f"toy VM, instructions with idle hooks, {what}",
                    f"{more:+.2f} %", None, f"no hooks{each}")
    figures.table(["what", "instructions", "over"], lines)


main()
