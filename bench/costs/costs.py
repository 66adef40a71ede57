#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""costs.py BUILD LUA_MODULES: what profiling costs a program, ours and others'.

Processes do one and the same work again and again, in slices of some 60 ms, each
slice under another profiler or none, in an order that is drawn anew for every
round. What is compared is the CPU time of the working threads, slice by slice
within a round: the figure is the median of these ratios, behind it their
quartiles. Threads of the profiler count on their own, where they can be told
apart (on the toy VM).

Ours is compared with perf's task clock and an empty handler, since a signal
costs what it costs before any handler runs. Peers run the same kind of work on
their own VMs. CPU timers tick at CONFIG_HZ whatever they are asked for, so they
are shown as they come, and with a timer that ticks at the rate they ask for
(real_rate.c); rates are samples, or signals handled, per second of CPU time."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import figures  # noqa: E402
from worker import NotHere, Worker, interleave  # noqa: E402

BUILD, LUA_MODULES = map(pathlib.Path, sys.argv[1:3])
TIMES = 5 if figures.LONG else 1
TOY = [BUILD / "toy_worker", HERE / "work.toy"]
# With so many bytes before the same code; an empty word: none.
LAYOUTS = ["", "_1040", "_2080", "_3120"]
PRELOAD = {"LD_PRELOAD": str(BUILD / "libreal_rate.so"),
           "CPUPROFILE_FREQUENCY": "1000"}
REAL_RATE = {**PRELOAD, "VMPROF_BENCH_REAL_RATE": "1"}

lines, left_out = [], []


def ratios(slices, over):
    return [a.ns / b.ns for a, b in zip(slices, over)]


def rate(slices):
    return sum(s.samples for s in slices) / (sum(s.all_ns for s in slices) * 1e-9)


def compare(what, slices, name, over, budget=None, baseline=None, note=None):
    """One line: the slices of a name over those of another."""
    median, low, high = figures.middle(ratios(slices[name], slices[over]))
    baseline = baseline or over
    achieved = rate(slices[name])
    at = f"{achieved:,.0f} Hz" if achieved else ""
    lines.append([what, f"{median:.3f} x", f"{low:.3f} - {high:.3f}", at,
                  baseline, f"{budget:.3f}" if budget else ""])
    figures.row(what, f"{median:.3f} ×", f"{budget:g} ×" if budget else None,
                baseline, f"{low:.3f} – {high:.3f}" +
                (f"; at {at}" if at else "") + (f"; {note}" if note else ""),
                median <= budget if budget else None)


def supported(worker, variants):
    """Those that this build and this machine have; the others are named."""
    found = {}
    for name, request in variants.items():
        try:
            if not worker.run(**request).samples and name.startswith("polled"):
                raise NotHere("nothing was sampled at a poll")
            found[name] = lambda request=request: worker.run(**request)
        except NotHere as error:
            left_out.append(f"{name}: {error}")
    return found


def hooks():
    """Over several layouts, for how code lies in memory decides on as much."""
    for what, title in (("mixed", "mixed work"), ("calls", "nothing but calls")):
        slices = {"none": [], "idle": []}
        for layout in LAYOUTS:
            bare, with_hooks = (Worker([BUILD / (name + layout),
                                        HERE / "work.toy"])
                                for name in ("toy_worker_bare", "toy_worker"))
            bare.calibrate(what=what)
            with_hooks.rounds = bare.rounds
            found = interleave({
                "none": lambda: bare.run(what=what),
                "idle": lambda: with_hooks.run(what=what)}, 30 * TIMES)
            bare.close()
            with_hooks.close()
            for name in slices:
                slices[name] += found[name]
        compare(f"toy VM, hooks idle, {title}", slices, "idle", "none",
                baseline="no hooks", budget=1.01 if what == "mixed" else None,
                note=f"{len(LAYOUTS)} layouts")


def own():
    toy = Worker(TOY)
    toy.calibrate(what="deep")
    variants = {"idle": {}}
    for hz in (1000, 10000):
        for name in ("empty", "rearmed", "signal"):
            variants[f"{name} {hz}"] = {"variant": name, "rate": hz}
    for name in ("native-copy", "native-frame-pointers"):
        variants[f"{name} 1000"] = {"variant": name, "rate": 1000}
    requests = supported(toy, {name: {**request, "what": "deep"}
                               for name, request in variants.items()})
    slices = interleave(requests, 30 * TIMES)
    toy.close()
    for hz, words in ((1000, "1 kHz"), (10000, "10 kHz")):
        if f"signal {hz}" not in slices or f"empty {hz}" not in slices:
            continue
        compare(f"toy VM, signals at {words}, depth 50", slices,
                f"signal {hz}", f"empty {hz}", 1.10,
                "empty handler, same clock")
        compare(f"the same over a handler that re-arms, {words}", slices,
                f"signal {hz}", f"rearmed {hz}",
                baseline="empty handler that re-arms")
        compare(f"the same over no profiler, {words}", slices,
                f"signal {hz}", "idle", baseline="hooks idle")
        compare(f"empty handler alone, {words}", slices, f"empty {hz}", "idle",
                baseline="hooks idle")
    for name in ("native-copy", "native-frame-pointers"):
        if f"{name} 1000" in slices:
            compare(f"toy VM, {name} at 1 kHz", slices, f"{name} 1000",
                    "signal 1000", baseline="VM frames alone")


def polls():
    """More rounds than the others: their budgets are a matter of thousandths."""
    toy = Worker(TOY)
    toy.calibrate(what="deep")
    requests = supported(toy, {
        "idle": {"what": "deep"},
        **{f"polled {hz}": {"variant": "polled", "rate": hz, "what": "deep"}
           for hz in (1000, 10000, 100000)}})
    slices = interleave(requests, 80 * TIMES)
    toy.close()
    for hz, words, budget in ((1000, "1 kHz", 1.005), (10000, "10 kHz", 1.01),
                              (100000, "100 kHz", 1.03)):
        if f"polled {hz}" in slices:
            compare(f"toy VM, cooperative at {words}", slices, f"polled {hz}",
                    "idle", budget, "hooks idle")


def share_of_core(who, slices, budget=None):
    shares = [100 * s.profiler_ns / s.wall_ns for s in slices]
    median, low, high = figures.middle(shares)
    what = f"{who}, share of a core"
    budget_text = f"{budget} %" if budget else ""
    lines.append([what, f"{median:.2f} %", f"{low:.2f} - {high:.2f}", "",
                  "time that passed", budget_text])
    figures.row(what, f"{median:.2f} %", budget_text or None,
                "time that passed", f"{low:.2f} – {high:.2f}",
                median <= budget if budget else None)


def observed():
    toy = Worker(TOY)
    toy.calibrate(10e6)
    requests = supported(toy, {
        "idle": {"threads": 16},
        "observed": {"variant": "observed", "threads": 16},
        "wall": {"variant": "wall", "threads": 16},
        "sleeper": {"variant": "sleeper", "threads": 16}})
    slices = interleave(requests, 20 * TIMES)
    toy.close()
    for name, words in (("observed", "CPU time"), ("wall", "wall time")):
        if name in slices:
            compare(f"toy VM, 16 threads observed at 1 kHz, {words}", slices,
                    name, "idle", baseline="hooks idle")
            share_of_core(f"observer and writer, {words}", slices[name], 2)
    share_of_core("a thread that sleeps for 1 ms after 1 ms",
                  slices["sleeper"])


def peer(title, command, variant, package):
    """As it comes, and at the rate that it was asked for."""
    for env, how in ((PRELOAD, "as it comes"), (REAL_RATE, "at a real 1 kHz")):
        worker = Worker(command, env, package)
        worker.calibrate()
        slices = interleave({
            "idle": lambda: worker.run(),
            variant: lambda: worker.run(variant)}, 20 * TIMES)
        worker.close()
        compare(f"{title}, asked for 1 kHz, {how}", slices, variant, "idle",
                baseline="no profiler")


def stock_lua():
    path = {"LUA_CPATH_5_4": f"{LUA_MODULES}/?.so;;"}
    lua = Worker(["lua5.4", HERE / "work.lua"], path, "lua5.4")
    lua.calibrate()
    requests = supported(lua, {name: {"variant": name} for name in
                               ("idle", "attached", "shim", "hook")})
    slices = interleave(requests, 20 * TIMES)
    lua.close()
    for name, what in (
            ("attached", "Lua 5.4 with our module loaded"),
            ("shim", "Lua 5.4 with our module at 1 kHz"),
            ("hook", "Lua 5.4 with a profiler on lua_sethook's count")):
        if name in slices:
            compare(what, slices, name, "idle", baseline="no profiler")


def main():
    parts = [hooks, own, polls, observed, stock_lua] + [
        lambda arguments=arguments: peer(*arguments) for arguments in (
            ("gperftools on the toy VM", TOY, "gperftools",
             "libgoogle-perftools4"),
            ("PyPy's built-in vmprof", ["pypy3", HERE / "work.py"], "vmprof",
             "pypy3"),
            ("LuaJIT's jit.profile", ["luajit", HERE / "work_luajit.lua"], "jit.profile",
             "luajit"))]
    for part in parts:
        try:
            part()
        except NotHere as error:
            left_out.append(str(error))
    figures.table(["what", "ratio", "quartiles", "rate", "over", "budget"],
                  lines)
    for words in left_out:
        print(f"left out: {words}")


main()
