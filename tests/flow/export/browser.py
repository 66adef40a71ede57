#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""browser.py VMPROF DIRECTORY TEST: run browser/TEST.mjs on fresh pages.

The packages that it needs are pinned in browser/package-lock.json and are
installed below DIRECTORY once.
"""

import fcntl
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import stacks
from stacks import CODE, JITTED, NATIVE, NO_POLL, SYSTEM

HERE = pathlib.Path(__file__).resolve().parent / "browser"


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    print(f"SKIPPED: {reason}", file=sys.stderr)
    sys.exit(0)


def find(*names):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    return skip(f"{names[0]} is not installed: nothing was seen in a browser")


def install(directory, npm):
    """npm ci, by one test at a time, unless it has been done."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = (HERE / "package-lock.json").read_bytes()
    with open(directory / "lock", "w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        done = directory / "installed.json"
        if done.exists() and done.read_bytes() == lock:
            return
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, directory)
        run = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund",
             # By default it waits for over a minute where there is no network.
             "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=3000"],
            cwd=directory, capture_output=True, text=True, timeout=240,
            check=False)
        if run.returncode:
            skip("npm could not install the browser driver: " +
                 " ".join(run.stderr.split())[-200:])
        done.write_bytes(lock)


def hostile(path):
    recording = stacks.Recording(program="<img src=x onerror=alert(1)>")
    thread = recording.thread("</script><script>alert(2)</script>", 1)
    for name in ("</script><script>alert(3)</script>", "<!--<script>",
                 "<img src=x onerror=alert(4)>", '"];alert(5);//', "\u2028",
                 "\u202eabc", "javascript:alert(6)", b"\xff\xfe",
                 "long " * 2000, "a\nb", "__proto__", "constructor", ""):
        recording.add(thread, [((name, name, 1), CODE, 1)] * 2, 50)
    recording.write(path)


def huge(path):
    """100,000 distinct stacks of 3,000 functions, up to 45 deep."""
    source = random.Random(1)
    functions = [(f"function_{i}", f"file{i % 50}.toy", i)
                 for i in range(3000)]
    recording = stacks.Recording(program="huge")
    threads = [recording.thread("main", 1), recording.thread("other", 2)]
    known, grown = {()}, [()]
    while len(known) <= 100000:
        base = grown[int(len(grown) * source.random() ** 1.5)]
        stack = base + (source.randrange(3000),)
        if len(stack) > 45 or stack in known:
            continue
        known.add(stack)
        grown.append(stack)
        frames = [(functions[i], CODE, i + 1) for i in stack]
        recording.add(threads[len(known) % 2], frames, 1000)
    recording.write(path)


def deep(path):
    recording = stacks.Recording(program="deep")
    thread = recording.thread("main", 1)
    kinds = [CODE, JITTED, NATIVE]
    stack = [((f"level_{i % 7}", "deep.toy", i % 7), kinds[i % 3], 1)
             for i in range(5000)]
    recording.add(thread, stack, 1000)
    recording.write(path)


def waiting(path):
    recording = stacks.Recording(program="waiting", mode=1, clock=3)
    thread = recording.thread("main", 1)
    recording.add(thread, [(stacks.MAIN, CODE, 1)], 1000000)
    recording.add(thread, [(stacks.MAIN, CODE, 1), (stacks.WORK, CODE, 1)],
                  3000000, state=stacks.OFF_CPU)
    recording.write(path, ring_full=7, walker=3, stacks_cut=1)


def gaps(path):
    """Two samples, and two entries of time that none was taken of."""
    recording = stacks.Recording(program="gaps")
    thread = recording.thread("main", 1)
    for kind in (CODE, CODE, SYSTEM, NO_POLL):
        recording.add(thread, [(stacks.MAIN, CODE, 1), (stacks.WORK, kind, 0)],
                      500000)
    recording.write(path)


def typed(path):
    """work met types at two places, main at none, other at hostile ones."""
    recording = stacks.Recording(program="typed")
    thread = recording.thread("main", 1)
    other = ("other", "app.toy", 30)
    for function in (stacks.WORK, other):
        recording.add(thread, [(stacks.MAIN, CODE, 2), (function, CODE, 11)],
                      500000)
    site = stacks.native.site
    recording.write(path, words=[
        "int", "float", "ADD", "</script><script>alert(7)</script>"], rows=[
        site(recording.code(stacks.WORK), (5, 1), 11, 3, bytecodes=10000,
             tuples=[((1, 1), 750), ((2, 1), 250)]),
        site(recording.code(stacks.WORK), (7, 2), 12, other=10, tuples=[
            ((1,), 90)]),
        site(recording.code(other), (1, 3), 31, 4, tuples=[((4,), 5)]),
        site(recording.code(stacks.MAIN), (1, 3), 2, untyped=5)])


def traced(path):
    path.write_bytes(stacks.native.jit_demo().bytes())


def traced_with_source(path):
    """The same, beside a program that is markup."""
    traced(path)
    lines = [f"line {number}" for number in range(1, 30)]
    lines[10] = "  x = '</script><img src=x onerror=alert(12)>'\r"
    (path.parent / "demo.toy").write_text("\n".join(lines))


def traces_hostile(path):
    """Names that are markup, and a jump to a trace that is not there."""
    native = stacks.native
    s = native.Session(program="traces")
    s.codes([(1, "toy:</script><img src=x onerror=alert(8)>:1:a\nb.toy")])
    s.traces(
        native.trace(1, name="</script><script>alert(9)</script>\nx",
                     kind=native.LOOP, code=1, line=3, target=99,
                     first_guard=2, guard_count=1),
        native.places(1, [(1, 0, 3, 0)]),
        native.guards(1, [(0, 1, 7, "<b>\n&lt;")]),
        native.operations(1, [(0, 1, 1, "<img src=x onerror=alert(10)>\n")]),
        native.machine_code(1, b"\xff\xff\x90"),
        native.trace(7, name="javascript:alert(11)", kind=native.BRIDGE,
                     guard=2, parent=1))
    s.frames(1, [(1, native.TRACE, None, 0)])
    s.nodes(1, [(0, 1)])
    s.thread(0)
    s.samples(0, [(1, 100, 100)])
    s.counts({1: 5, 2: 3, 7: 3})
    path.write_bytes(s.bytes())


def traces_many(path):
    """Forty loops that jump to each other."""
    native = stacks.native
    s = native.Session(program="many")
    s.traces(*(native.trace(i, name=f"loop {i}", kind=native.LOOP)
               for i in range(1, 41)))
    events, now = [], 0
    for turn in range(6):
        for i in range(1, 41):
            now += 1000 + 10 * i
            jump = native.EDGE_ENTER if i == 1 else native.EDGE_JUMP
            events.append((now, jump, i if turn % 2 else 41 - i))
        now += 1000
        events.append((now, native.EDGE_EXIT, 40 if turn % 2 else 1))
    s.events(0, events, [(0, 0, 0), (now + 10, now + 10, now + 10)])
    path.write_bytes(s.bytes())


def told(path):
    """A millisecond with two collections and a few exceptions."""
    native = stacks.native
    s = native.Session(program="told")
    s.codes([(1, "toy:main:1:demo.toy")])
    s.frames(1, [(1, 1, 2, None)])
    s.nodes(1, [(0, 1)])
    s.thread(0)
    s.samples(0, [(1, 1000, 1000)])
    happening = native.happening
    s.recorded(0, [happening(*event) for event in (
        ("thread-started", 1000), ("call", 2000, 1), ("gc-start", 100000),
        ("gc-end", 300000), ("raise", 400000, 1), ("raise", 401000, 1),
        ("jit-compiled", 500000, 1), ("gc-start", 600000),
        ("gc-end", 700000), ("raise", 900000, 1), ("return", 950000, 1))])
    s.recorded_totals({0: (1, 7, 4, 5)}, events=native.EVERY_KIND)
    s.end(1000)
    path.write_bytes(s.bytes())


PAGES = {
    "jit": (traced, traced_with_source, traces_hostile, traces_many, stacks.small),
    "flamegraph": (stacks.small, hostile, huge, deep, waiting, gaps, typed),
    "markers": (stacks.small, told),
    "speedscope": (stacks.small, hostile),
}


def make_pages(vmprof, directory, test):
    for make in PAGES[test]:
        profile = directory / f"{make.__name__}.vmprof"
        make(profile)
        command = {"flamegraph": ["flamegraph", profile],
                   "jit": ["flamegraph", profile],
                   "markers": ["flamegraph", profile],
                   "speedscope": ["convert", profile, "--to", test]}[test]
        if make is traced_with_source:
            command += ["--source", directory]
        subprocess.run([vmprof, *command], check=True,
                       stderr=subprocess.DEVNULL)


def main():
    vmprof, directory, test = sys.argv[1:]
    node, npm = find("node", "nodejs"), find("npm")
    browser = find("chromium", "chromium-browser", "google-chrome")
    directory = pathlib.Path(directory).resolve()
    install(directory, npm)
    with tempfile.TemporaryDirectory() as pages:
        make_pages(vmprof, pathlib.Path(pages), test)
        run = subprocess.run([node, HERE / f"{test}.mjs", directory, browser,
                              pages], check=False)
    sys.exit(run.returncode)


if __name__ == "__main__":
    main()
