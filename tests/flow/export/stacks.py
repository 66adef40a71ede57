# SPDX-License-Identifier: MIT
"""Profiles made of stacks, whose sums a test knows without the command."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))

import vmprof_file as native

CODE, JITTED, JITTING, GC, NATIVE = 1, 3, 4, 5, 7
SYSTEM, NO_POLL = 8, 9
INTERPRETING, TRACING, COLLECTING = 0, 1, 6
OFF_CPU, HELD_BACK = 1, 8

PAYLOAD = 40000  # well under what a chunk may hold


class Recording:
    """add() samples, then write(). A stack is [(function, kind, line), …]
    from the root on, a function (name, file, first line)."""

    def __init__(self, **session):
        self.session = native.Session(**session)
        self.codes, self.frames, self.nodes = {}, {}, {}
        self.threads = {}
        self.cpu_us = {}
        self.samples = []

    def thread(self, name, ident):
        return self.threads.setdefault((name, ident), len(self.threads))

    def add(self, thread, stack, weight_us, phase=INTERPRETING, state=0):
        node = 0
        for function, kind, line in stack:
            code = self.code(function)
            frame = self.frames.setdefault((code, kind, line),
                                           len(self.frames) + 1)
            node = self.nodes.setdefault((node, frame), len(self.nodes) + 1)
        self.samples.append((thread, node, weight_us, phase, state))

    def put_in_chunks(self, items, size_of, put):
        first, start, size = 1, 0, 0
        for i, item in enumerate(items):
            size += size_of(item)
            if size > PAYLOAD:
                put(first, items[start:i])
                first, start, size = first + i - start, i, size_of(item)
        if items[start:]:
            put(first, items[start:])

    def put_tables(self):
        session = self.session
        names = [(code, escape(function))
                 for function, code in self.codes.items()]
        self.put_in_chunks(names, lambda name: len(name[1]) + 16,
                           lambda first, part: session.codes(part))
        frames = [(code, kind, line, None)
                  for code, kind, line in self.frames]
        self.put_in_chunks(frames, lambda frame: 16, session.frames)
        self.put_in_chunks(list(self.nodes), lambda node: 12, session.nodes)
        for (name, ident), index in self.threads.items():
            session.thread(index, name, ident,
                           cpu=self.cpu_us.get(index, 0))

    def put_samples(self):
        rows, thread, phase, state = [], None, 0, 0
        for sample in self.samples:
            if sample[0] != thread or len(rows) > PAYLOAD // 16:
                self.flush(thread, rows)
                rows, thread, phase, state = [], sample[0], 0, 0
            if sample[3:] != (phase, state):
                phase, state = sample[3:]
                rows.append((phase, state))
            rows.append((sample[1], sample[2], sample[2]))
        self.flush(thread, rows)

    def flush(self, thread, rows):
        if rows:
            self.session.samples(thread, rows)

    def code(self, function):
        """The number of a function, for a row of types."""
        return self.codes.setdefault(function, len(self.codes) + 1)

    def write(self, path, rows=(), words=(), **stats):
        self.put_tables()
        self.put_samples()
        if rows:
            self.session.words(1, words)
            self.session.sites(rows, period=10)
        counters = {"expirations": len(self.samples),
                    "samples": len(self.samples),
                    "sampled": 1000 * sum(s[2] for s in self.samples)}
        self.session.stats(**(counters | stats))
        self.session.end(sum(s[2] for s in self.samples))
        pathlib.Path(path).write_bytes(self.session.bytes())
        return path


def escape(function):
    name, file, line = function

    def part(text):
        raw = text if isinstance(text, bytes) else text.encode()
        return raw.replace(b"%", b"%25").replace(b":", b"%3A")

    return b"toy:%s:%d:%s" % (part(name), line, part(file))


MAIN = ("main", "app.toy", 1)
WORK = ("work", "app.toy", 10)
SORT = ("sort", "lib/sort.toy", 5)
FIB = ("fib", "lib/fib.toy", 3)
OTHER_WORK = ("work", "other.toy", 20)
MEMCPY = ("memcpy", "libc.so.6", 0)


def small(path, **session):
    """Two threads with known shares: 1,000 ms in main, 500 ms in worker."""
    made = Recording(**session)
    main, worker = made.thread("main", 100), made.thread("worker", 101)
    root = [(MAIN, CODE, 2)]
    for _ in range(2):
        made.add(main, root, 50000)
        made.add(main, root + [(WORK, CODE, 11)], 100000)
        made.add(main, root + [(WORK, CODE, 12)], 50000)
        made.add(main, root + [(WORK, CODE, 12), (SORT, JITTED, 6)], 150000)
        made.add(main, root + [(WORK, CODE, 12), (MEMCPY, NATIVE, None)],
                 50000)
        made.add(main, root + [(WORK, CODE, 11)], 100000, phase=COLLECTING)
    fib = [(FIB, CODE, 4)]
    for depth in range(1, 6):
        made.add(worker, fib * depth, 80000)
    made.add(worker, fib + [(OTHER_WORK, CODE, 21)], 100000)
    made.write(path)
    return made


def unsampled(path):
    """A thread with a sample for most of its time, one without a sample."""
    recording = Recording()
    main, idle = recording.thread("main", 1), recording.thread("idle", 2)
    recording.add(main, [(MAIN, CODE, 1)], 7000)
    recording.cpu_us = {main: 7500, idle: 20}
    recording.write(path)
