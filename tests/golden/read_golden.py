#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A small reader of the native format, written from doc/format.md alone.

    read_golden.py FILE             prints what the file holds
    read_golden.py FILE TEXT VMPROF compares that with a text, and its sums with
                                    what `vmprof report --json` says
"""

import collections
import json
import struct
import subprocess
import sys

(SESSION, CODES, FRAMES, NODES, THREAD, SAMPLES, STATS, END,
 GROUP, MODULES) = range(1, 11)
TRACES, EVENTS, COUNTS = 13, 14, 15
EDGES = ("enter", "jump", "exit", "call", "return")
NAMES = {
    SESSION: {1: "vm", 3: "os", 5: "machine", 7: "library", 9: "program",
              2: "version", 4: "time unit", 6: "unix ns", 8: "monotonic ns",
              10: "interval ns", 12: "mode", 14: "clock", 16: "process",
              18: "most frames"},
    THREAD: {1: "name", 2: "index", 4: "id", 6: "start", 8: "end",
             10: "cpu"},
    STATS: {2: "time", 4: "expirations", 6: "samples", 8: "ring full",
            10: "busy", 12: "switching", 14: "walker", 16: "stacks cut",
            18: "frames cut", 20: "overflows", 22: "locations lost",
            24: "clock failures", 26: "sampled ns", 28: "unwritten",
            30: "polled", 32: "held back", 34: "system ticks",
            36: "native cut", 38: "native failed", 40: "clock retries",
            42: "overdue", 44: "jit events", 46: "jit events lost"},
    MODULES: {1: "path", 3: "build id", 2: "start", 4: "size", 6: "offset",
              8: "bias"},
    END: {2: "time"},
    TRACES: {1: "name", 3: "why", 2: "kind", 4: "end", 6: "code", 8: "offset",
             10: "line", 12: "guard", 14: "parent", 16: "target",
             18: "address", 20: "length", 22: "loop offset", 24: "emits",
             26: "first guard", 28: "guards", 30: "state", 32: "made",
             34: "gone"},
}
TRACE, SYSTEM, NO_POLL, ADDRESS = 6, 8, 9, 10
TITLES = {SESSION: "session", THREAD: "thread", STATS: "stats", END: "end"}


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


class Payload:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def more(self):
        return self.at < len(self.data)

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def zigzag(self):
        value = self.varint()
        return value >> 1 if value % 2 == 0 else -(value >> 1) - 1

    def bytes(self):
        size = self.varint()
        self.at += size
        return self.data[self.at - size:self.at]

    def string(self):
        return self.bytes().decode()

    def fields(self, binary=()):
        while self.more():
            key = self.varint()
            yield key, (self.varint() if key % 2 == 0 else
                        self.bytes().hex() if key in binary else self.string())


class Reader:
    """Prints a line for everything, and sums the weights by stack."""

    def __init__(self):
        self.lines = []
        self.traces = {}
        self.guards = {}  # the trace of each
        self.current = 0
        self.transitions = collections.Counter()
        self.entries = collections.Counter()
        self.unit = 0
        self.codes = {}
        self.modules = {0: ""}
        self.frames = {0: "[truncated]"}
        self.stacks = {0: ()}
        self.weights = collections.Counter()
        self.counts = collections.Counter()

    def say(self, *words):
        self.lines.append(" ".join(map(str, words)))

    def read(self, data):
        at = number = 0
        while at < len(data):
            magic, crc, session, own, kind, flags, size = struct.unpack_from(
                "<4sIIIHHI", data, at)
            assert magic == b"\x8eVMP" and flags == 0 and size <= 65512
            assert crc == crc32c(data[at + 8:at + 24 + size])
            assert own == number
            number += 1
            self.say(f"chunk {own} of session {session:08x}")
            self.chunk(kind, Payload(data[at + 24:at + 24 + size]))
            at += 24 + size

    def chunk(self, kind, payload):
        if kind == GROUP:
            while payload.more():
                section = payload.varint()
                size = payload.varint()
                payload.at += size
                self.chunk(section, Payload(
                    payload.data[payload.at - size:payload.at]))
        elif kind in TITLES:
            fields = list(payload.fields())
            if kind == SESSION:
                self.unit = dict(fields)[4]
            self.say(TITLES[kind], *(f"{NAMES[kind][key]}={value!r}"
                                     for key, value in fields))
        else:
            {CODES: self.read_codes, FRAMES: self.read_frames,
             NODES: self.read_nodes, SAMPLES: self.read_samples,
             MODULES: self.read_modules, TRACES: self.read_traces,
             EVENTS: self.read_events, COUNTS: self.read_counts}[kind](payload)
        assert not payload.more()

    def read_codes(self, payload):
        for _ in range(payload.varint()):
            code = payload.varint()
            self.codes[code] = payload.string()
            self.say("code", code * 4, self.codes[code])

    def read_modules(self, payload):
        first = payload.varint()
        for index in range(first, first + payload.varint()):
            fields = dict(Payload(payload.bytes()).fields(binary=(3,)))
            self.modules[index] = fields.get(1, "")
            self.say("module", index, *(f"{NAMES[MODULES][key]}={value!r}"
                                        for key, value in fields.items()))

    def read_traces(self, payload):
        kinds = {2: "guards", 3: "places", 4: "positions", 5: "operations"}
        shapes = {2: "vvvs", 3: "vvvv", 4: "vv", 5: "vvvs"}
        while payload.more():
            kind = payload.varint()
            entry = Payload(payload.bytes())
            trace = entry.varint()
            if kind == 1:
                fields = list(entry.fields())
                self.add_trace(trace, dict(fields))
                self.say("trace", trace, *(f"{NAMES[TRACES][key]}={value!r}"
                                           for key, value in fields))
            elif kind in kinds:
                first = entry.varint()
                for number in range(first, first + entry.varint()):
                    words = [entry.varint() if what == "v" else entry.string()
                             for what in shapes[kind]]
                    self.say(f"trace {trace} {kinds[kind]} {number}:", *words)
            elif kind == 6:
                self.say(f"trace {trace} code at {entry.varint()}:",
                         entry.data[entry.at:].hex())
                entry.at = len(entry.data)
            assert not entry.more()

    def add_trace(self, trace, fields):
        self.traces[trace] = fields.get(1, "")
        first = fields.get(26, 0)
        for guard in range(first, first + fields.get(28, 0)):
            self.guards[guard] = trace

    def read_events(self, payload):
        thread, bits, lost, first, count, ticks, marks = (
            payload.varint() for _ in range(7))
        self.say(f"events thread={thread} bits={bits} lost={lost}",
                 f"first={first} count={count}")
        start, mark = ticks, [ticks, 0, 0]
        for _ in range(marks):
            mark = [before + payload.varint() for before in mark]
            self.say("mark ticks={} ns={} cpu={}".format(*mark))
        ticks = start + payload.zigzag()
        for number in range(count):
            both = payload.varint()
            if number:
                ticks += payload.zigzag()
            self.say("event", EDGES[both & 7], both >> 3, f"ticks={ticks}")
            self.pass_edge(EDGES[both & 7], both >> 3)

    def pass_edge(self, edge, ident):
        assert edge in ("enter", "jump", "exit")
        after = 0 if edge == "exit" else ident
        if not after and ident in self.guards:
            assert self.guards[ident] == self.current
        self.transitions[self.current, after] += 1
        self.entries[after] += 1
        self.current = after

    def read_counts(self, payload):
        self.say("counts time", payload.varint())
        ident = 0
        for _ in range(payload.varint()):
            ident += payload.varint()
            self.say("count", ident, payload.varint())

    def frame_name(self, code, kind, module, offset):
        if kind == ADDRESS:
            path = self.modules[module].rpartition("/")[2]
            return f"{path}+{offset:#x}" if path else f"{offset:#x}"
        if kind == TRACE:
            return f"trace {code}"
        return {SYSTEM: "[system calls]", NO_POLL: "[no poll]"}.get(
            kind, self.codes[code] if code else "[unknown]")

    def read_frames(self, payload):
        first = payload.varint()
        for index in range(first, first + payload.varint()):
            code, bits = payload.varint(), payload.varint()
            line = payload.varint() if bits & 16 else 0
            offset = payload.varint() if bits & 32 else None
            module = payload.varint() if bits & 64 else 0
            self.frames[index] = self.frame_name(code, bits & 15, module,
                                                 offset)
            self.say("frame", index, self.frames[index], f"kind={bits & 15}",
                     f"line={line}", f"offset={offset}",
                     *([f"module={module}"] if bits & 64 else []))

    def read_nodes(self, payload):
        first = payload.varint()
        for index in range(first, first + payload.varint()):
            parent = index - payload.varint()
            frame = payload.varint()
            self.stacks[index] = self.stacks[parent] + (self.frames[frame],)
            self.say("node", index, f"parent={parent} frame={frame}")

    def read_samples(self, payload):
        thread, count, time = (payload.varint() for _ in range(3))
        phase = state = 0
        while count:
            head = payload.varint()
            if head == 0:
                both = payload.varint()
                phase, state = both & 15, both >> 4
                continue
            node = (head >> 1) - 1
            elapsed = payload.varint()
            weight = elapsed + (payload.zigzag() if head & 1 else 0)
            time += elapsed
            count -= 1
            self.weights[self.stacks[node]] += weight
            self.counts[self.stacks[node]] += 1
            self.say(f"sample thread={thread} time={time} node={node}",
                     f"weight={weight} phase={phase} state={state}")

    def functions(self):
        """By full name: self and total in nanoseconds, samples."""
        rows = collections.defaultdict(lambda: [0, 0, 0])
        for stack, weight in self.weights.items():
            leaf = rows[stack[-1] if stack else "[native]"]
            leaf[0] += weight * self.unit
            leaf[2] += self.counts[stack]
            for name in set(stack) or {"[native]"}:
                rows[name][1] += weight * self.unit
        return dict(rows)


def full_name(row):
    """The name of a row of the report, as the file has it."""
    if row["function"].startswith("[") or row.get("language") == "native":
        return row["function"]
    parts = [str(row[key]).replace("%", "%25").replace(":", "%3A")
             for key in ("language", "function", "line", "file")]
    return ":".join(parts)


def ask(command, *words):
    return json.loads(subprocess.run(
        [command, *words], check=True, stdout=subprocess.PIPE,
        timeout=120).stdout)


def compare_traces(reader, jit):
    """Edges as they were passed, one by one."""
    numbers = {row["number"]: row["id"] for row in jit["traces"]} | {0: 0}
    assert set(numbers.values()) == set(reader.traces) | {0}
    assert {(numbers[row["from"]], numbers[row["to"]]): row["count"]
            for row in jit["transitions"]} == dict(reader.transitions)
    for row in jit["traces"]:
        assert row["figures"]["events"]["entries"] == reader.entries[row["id"]]
    assert jit["events"]["mismatches"] == 0


def compare(reader, text, command, file):
    with open(text, encoding="utf-8") as expected:
        assert expected.read().splitlines() == reader.lines, "decoded text"
    if reader.traces:
        compare_traces(reader, ask(command, "jit", "--json", "--inner=each",
                                   file))
        return
    report = ask(command, "report", "--json", file)
    rows = {full_name(row): [row["self_ns"], row["total_ns"],
                             row["samples"]] for row in report["functions"]
            if row["function"] != "[unsampled]"}
    assert rows == reader.functions(), (rows, reader.functions())
    assert report["summary"]["samples"] == sum(reader.counts.values())
    assert report["damage"]["bytes_unread"] == 0


def main(file, text=None, command=None):
    reader = Reader()
    with open(file, "rb") as data:
        reader.read(data.read())
    if command:
        compare(reader, text, command, file)
    else:
        print("\n".join(reader.lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
