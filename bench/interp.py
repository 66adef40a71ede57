#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""interp.py BUILD PROGRAM: what profiling bytecodes and types costs the toy VM,
against the same VM with nothing of it compiled in, and what a count hook costs
Lua at the same periods. Runs of all take turns, and medians of the ratios within
a round are shown; callgrind's instructions beside them, as how code happens to
lie in memory moves such a loop by several percent."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import figures  # noqa: E402

BUILD, PROGRAM = map(pathlib.Path, sys.argv[1:3])
BARE, TOY = BUILD / "toy_interp_bare", BUILD / "toy_interp"
ROUNDS = 41 if figures.LONG else 15
BUDGETS = {"off": 0.5, 1000: 5, 100: 10, 1: 25}
COLLECTED = re.compile(r"Collected : (\d+)")

LUA = """
local period = tonumber(arg[1])
local hook = function() end
local function loop(n)
    local sum = 0
    for i = 0, n - 1 do sum = sum + i * 3 % 7 end
    return sum
end
if period > 0 then debug.sethook(hook, "", period) end
local start = os.clock()
loop(tonumber(arg[2]))
print(os.clock() - start)
if period == 1 then
    local count = 0
    debug.sethook(function() count = count + 1 end, "", 1)
    loop(10000)
    debug.sethook()
    print(count / 10000)
end
"""


def options(period):
    return [] if period == "off" else [
        "-X", "jit-profile-interp", "-X", f"jit-profile-interp-period={period}"]


def run(command):
    return subprocess.run(list(map(str, command)), check=True,
                          capture_output=True, text=True).stdout


def seconds(binary, what, period="off"):
    count = {"loops": 1000000, "calls": 24}[what]
    return float(run([binary, *options(period), PROGRAM, what, count]))


def instructions(binary, what, period):
    """Of the work alone: what twice as much takes more."""
    few = {"loops": (20000, 40000), "calls": (14, 15)}[what]
    counts = []
    for count in few:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             str(binary), *options(period), str(PROGRAM), what, str(count)],
            check=True, capture_output=True, text=True)
        counts.append(int(COLLECTED.search(done.stderr).group(1)))
    return counts[1] - counts[0]


def toy(what):
    slices = {name: [] for name in ("bare", *BUDGETS)}
    for _ in range(ROUNDS):
        for name, values in slices.items():
            values.append(seconds(BARE, what) if name == "bare"
                          else seconds(TOY, what, name))
    return slices


def lua():
    if not shutil.which("lua5.4"):
        print("left out: lua5.4: not installed")
        return None
    count = 2000000
    slices = {period: [] for period in (0, 1000, 100, 1)}
    for _ in range(ROUNDS):
        for period, values in slices.items():
            told = run(["lua5.4", "-e", LUA.replace("arg[1]", str(period))
                        .replace("arg[2]", str(count))]).split()
            values.append(float(told[0]))
    each = float(told[1])
    return {period: figures.middle(
        [(a - b) * 1e9 / count / each for a, b in zip(values, slices[0])])[0]
        for period, values in slices.items() if period}


def bytecodes_a_turn():
    """Of the toy VM's loop, by its own profile."""
    counts = []
    for turns in (1000, 2000):
        with tempfile.NamedTemporaryFile("r") as rows:
            run([TOY, "--types", rows.name, *options(1), PROGRAM, "loops",
                 turns])
            counts.append(sum(json.loads(line)["int"]["count"]
                              for line in rows.read().splitlines()))
    return (counts[1] - counts[0]) / 1000


def main():
    lines = []
    hook = lua()
    for what in ("loops", "calls"):
        slices = toy(what)
        counted = bool(shutil.which("valgrind"))
        bare = instructions(BARE, what, "off") if counted else 0
        for name, budget in BUDGETS.items():
            ratio, low, high = figures.middle(
                [a / b for a, b in zip(slices[name], slices["bare"])])
            more = 100 * (ratio - 1)
            count = (f"{100 * (instructions(TOY, what, name) / bare - 1):+.1f} %"
                     if counted else "")
            title = f"toy VM, {what}, bytecodes " + (
                "not profiled" if name == "off" else f"at period {name}")
            lines.append([title, f"{more:+.1f} %",
                          f"{100 * (low - 1):+.1f} to {100 * (high - 1):+.1f}",
                          count, f"{budget} %"])
            figures.row(title, f"{more:+.1f} %", f"{budget} %",
                        "nothing of it compiled in",
                        f"{100 * (low - 1):+.1f} to {100 * (high - 1):+.1f} %; "
                        f"instructions {count}", more <= budget)
        if what == "loops" and hook:
            each = bytecodes_a_turn()
            for period, cost in hook.items():
                ours = figures.middle(
                    [(a - b) * 1e9 / 1000000 / each
                     for a, b in zip(slices[period], slices["bare"])])[0]
                share = ours / cost if cost > 0 else float("inf")
                title = f"profile against lua_sethook, period {period}"
                lines.append([title, f"{share:.3f} x", "",
                              f"{ours:.3f} ns each", "0.1 x"])
                figures.row(title, f"{share:.3f} ×", "0.1 ×",
                            f"{cost:.2f} ns an instruction for an empty hook", "",
                            share <= 0.1)
    figures.table(["what", "time", "quartiles", "instructions", "budget"],
                  lines)


main()
