# SPDX-License-Identifier: MIT
"""Writes files of the native format, from doc/format.md and nothing else."""

import struct

(SESSION, CODES, FRAMES, NODES, THREAD, SAMPLES, STATS, END,
 GROUP, MODULES, WORDS, SITES, TRACES, EVENTS, COUNTS,
 RECORDED, EVENT_COUNTS, LINES, CALLS) = range(1, 20)
TRACE, SYSTEM, NO_POLL, ADDRESS = 6, 8, 9, 10
(EDGE_ENTER, EDGE_JUMP, EDGE_EXIT, EDGE_CALL, EDGE_RETURN) = range(5)
LOOP, ENTRY_BRIDGE, BRIDGE, METHOD, STUB = range(1, 6)
ENDS_LOOP, ENDS_JUMP, ENDS_RETURN, ENDS_INTERPRETER = range(1, 5)
KINDS = {"call": 0, "resume": 1, "return": 2, "yield": 3, "unwind": 5,
         "c-call": 8, "c-return": 9, "raise": 12, "handled": 14, "line": 16,
         "gc-start": 30, "gc-end": 31, "jit-compiled": 34, "jit-entered": 36,
         "jit-left": 37, "thread-started": 40, "thread-ended": 41, "vm-0": 48}
EVERY_KIND = 0xffff037cf33f773f


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ CRC_TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def crc_entry(value):
    for _ in range(8):
        value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value


CRC_TABLE = [crc_entry(i) for i in range(256)]


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value):
    return varint(value * 2 if value >= 0 else -value * 2 - 1)


def string(value):
    if isinstance(value, str):
        value = value.encode()
    return varint(len(value)) + value


def fields(values):
    out = b""
    for key, value in values.items():
        out += varint(key) + (string(value) if key % 2 else varint(value))
    return out


def chunk(session, number, kind, payload, flags=0):
    checked = struct.pack("<IIHHI", session, number, kind, flags,
                          len(payload)) + payload
    return b"\x8eVMP" + struct.pack("<I", crc32c(checked)) + checked


class Session:
    """One session; `chunks` collects what was written, in order."""

    def __init__(self, ident=0x1234, **fields_by_name):
        self.ident = ident
        self.number = 0
        self.chunks = []
        self.start(**fields_by_name)

    def put(self, kind, payload, flags=0):
        self.chunks.append(
            chunk(self.ident, self.number, kind, payload, flags))
        self.number += 1

    def start(self, program="demo", vm="toyvm", version=1, unit=1000,
              interval=1000000, mode=0, clock=1, pid=77, extra=None):
        values = {1: vm, 2: version, 3: "linux", 4: unit,
                  5: "x86_64", 6: 1700000000000000000, 7: "0.1.0",
                  8: 5000000000, 9: program, 10: interval, 12: mode,
                  14: clock, 16: pid, 18: 1024}
        values.update(extra or {})
        self.put(SESSION, fields(values))

    def codes(self, codes):
        self.put(CODES, varint(len(codes)) + b"".join(
            varint(ident) + string(name) for ident, name in codes))

    def frames(self, first, frames):
        """`frames`: (code, kind, line, offset), and maybe a module."""
        out = varint(first) + varint(len(frames))
        for code, kind, *rest in frames:
            out += varint(code) + varint(kind | sum(
                16 << i for i, value in enumerate(rest) if value is not None))
            out += b"".join(varint(v) for v in rest if v is not None)
        self.put(FRAMES, out)

    def modules(self, first, modules):
        """`modules`: path, build id, start, size, offset, bias by name."""
        keys = {"path": 1, "build_id": 3, "start": 2, "size": 4, "offset": 6,
                "bias": 8}
        out = varint(first) + varint(len(modules))
        for module in modules:
            out += string(fields({keys[k]: v for k, v in module.items()}))
        self.put(MODULES, out)

    def addresses(self, first, addresses):
        """`addresses`: (module, address) for consecutive frames."""
        self.frames(first, [(0, ADDRESS, None, address, module or None)
                            for module, address in addresses])

    def nodes(self, first, nodes):
        """`nodes`: (parent's index, frame's index) for consecutive nodes."""
        out = varint(first) + varint(len(nodes))
        for index, (parent, frame) in enumerate(nodes, first):
            out += varint(index - parent) + varint(frame)
        self.put(NODES, out)

    def thread(self, index, name="main", ident=100, start=0, end=0, cpu=0):
        self.put(THREAD, fields({1: name, 2: index, 4: ident, 6: start,
                                 8: end, 10: cpu}))

    def samples(self, thread, samples, start=0):
        """`samples`: (node, elapsed, weight), or (phase, state) to change."""
        count = sum(len(s) == 3 for s in samples)
        out = varint(thread) + varint(count) + varint(start)
        for sample in samples:
            if len(sample) == 2:
                out += b"\0" + varint(sample[0] | sample[1] << 4)
            else:
                node, elapsed, weight = sample
                out += varint((node + 1) * 2 + (weight != elapsed))
                out += varint(elapsed)
                if weight != elapsed:
                    out += zigzag(weight - elapsed)
        self.put(SAMPLES, out)

    def words(self, first, words):
        self.put(WORDS, varint(first) + varint(len(words)) +
                 b"".join(string(word) for word in words))

    def sites(self, rows, time=1000, since=0, period=1, jitter=False):
        """A read-out; `rows` are made by site()."""
        self.put(SITES, varint(time) + varint(since) + varint(period) +
                 varint(jitter) + varint(len(rows)) + b"".join(rows))

    def stats(self, **counters):
        keys = {"time": 2, "expirations": 4, "samples": 6, "ring_full": 8,
                "busy": 10, "switching": 12, "walker": 14, "overrun": 42,
                "stacks_cut": 16, "frames_cut": 18, "overflows": 20,
                "locations": 22, "clock_failures": 24, "sampled": 26,
                "unwritten": 28, "polled": 30, "held_back": 32, "system_ticks": 34,
                "native_cut": 36, "native_failed": 38, "clock_retries": 40}
        self.put(STATS, fields({keys[k]: v for k, v in counters.items()}))

    def traces(self, *entries):
        """`entries` are made by trace() and the functions behind it."""
        self.put(TRACES, b"".join(entries))

    def events(self, thread, events, marks, first=0, lost=0, bits=0,
               count=None):
        """`events`: (ticks, edge, id); `marks`: (ticks, ns, CPU ns)."""
        out = varint(thread) + varint(bits) + varint(lost) + varint(first)
        out += varint(len(events) if count is None else count)
        out += varint(marks[0][0]) + varint(len(marks))
        last = (marks[0][0], 0, 0)
        for mark in marks:
            out += b"".join(varint(a - b) for a, b in zip(mark, last))
            last = mark
        out += zigzag((events[0][0] if events else marks[0][0]) -
                      marks[0][0])
        for i, (ticks, edge, ident) in enumerate(events):
            out += varint(ident << 3 | edge)
            if i:
                out += zigzag(ticks - events[i - 1][0])
        self.put(EVENTS, out)

    def counts(self, counts, time=1000):
        """`counts`: of each id."""
        out, last = varint(time) + varint(len(counts)), 0
        for ident, count in sorted(counts.items()):
            out += varint(ident - last) + varint(count)
            last = ident
        self.put(COUNTS, out)

    def event_counts(self, rows, time=1000, lost=0):
        """`rows`: code id / 4, kind, count."""
        self.put(EVENT_COUNTS, b"".join(
            varint(v) for v in (time, lost, len(rows), *sum(rows, ()))))

    def lines(self, rows, time=1000, lost=0):
        """`rows`: code id / 4, line, whether it has run."""
        self.put(LINES, varint(time) + varint(lost) + varint(len(rows)) +
                 b"".join(varint(code) + varint(line << 1 | has_run)
                          for code, line, has_run in rows))

    def calls(self, rows, time=1000, lost=0, unmatched=0, abandoned=0):
        """`rows`: caller (None: the sum), callee, and four numbers."""
        out = b"".join(varint(v) for v in (time, lost, unmatched, abandoned,
                                           len(rows)))
        for caller, *rest in rows:
            out += varint(0 if caller is None else caller + 1)
            out += b"".join(varint(v) for v in rest)
        self.put(CALLS, out)

    def recorded(self, thread, events, first=0, start=0, count=None):
        """`events`: made by happening(), each with its time in ns."""
        out = varint(1) + varint(thread) + varint(first)
        out += varint(len(events) if count is None else count)
        out += varint(start)
        code, line, offset, last = 0, 0, 0, start
        for e in events:
            bits = ((e["code"] != code) | bool(e["line"]) << 1 |
                    bool(e["offset"]) << 2 | bool(e["target"]) << 3 |
                    bool(e["callee"]) << 4 | bool(e["missing"]) << 5)
            out += varint(e["kind"] << 6 | bits) + varint(e["time"] - last)
            last = e["time"]
            if e["code"] != code:
                code = e["code"]
                out += varint(code)
            if e["line"]:
                out += zigzag(e["line"] - line)
                line = e["line"]
            if e["offset"]:
                # The difference of two numbers of 64 bits is one of 64.
                by = (e["offset"] - offset + 2**63) % 2**64 - 2**63
                out += zigzag(by)
                offset = e["offset"]
            for name in ("target", "callee", "missing"):
                out += varint(e[name]) if e[name] else b""
        self.put(RECORDED, out)

    def recorded_totals(self, counts, events=0, period=1, rate=0):
        """`counts`: of kinds: recorded, left out, above the rate, no room."""
        out = varint(2) + varint(events) + varint(period) + varint(rate)
        for kind, of in sorted(counts.items()):
            out += varint(kind) + b"".join(varint(n) for n in of)
        self.put(RECORDED, out)

    def end(self, time):
        self.put(END, fields({2: time}))

    def bytes(self):
        return b"".join(self.chunks)


def entry(kind, ident, payload):
    payload = varint(ident) + payload
    return varint(kind) + varint(len(payload)) + payload


TRACE_KEYS = {"name": 1, "reason": 3, "kind": 2, "end": 4, "code": 6,
              "offset": 8, "line": 10, "guard": 12, "parent": 14,
              "target": 16, "address": 18, "length": 20, "loop_offset": 22,
              "emits": 24, "first_guard": 26, "guard_count": 28, "state": 30,
              "registered": 32, "unregistered": 34}


def trace(ident, **values):
    return entry(1, ident, fields({TRACE_KEYS[name]: value
                                   for name, value in values.items()}))


def listed(kind, ident, rows, first=0):
    """A list of rows whose members are numbers and strings."""
    return entry(kind, ident, varint(first) + varint(len(rows)) + b"".join(
        string(value) if isinstance(value, (str, bytes)) else varint(value)
        for row in rows for value in row))


def guards(ident, rows, first=0):
    """Rows: offset, place + 1, bridge, text."""
    return listed(2, ident, rows, first)


def places(ident, rows, first=0):
    """Rows: code, bytecode, line, parent + 1."""
    return listed(3, ident, rows, first)


def positions(ident, rows, first=0):
    """Rows: offset, place."""
    return listed(4, ident, rows, first)


def operations(ident, rows, first=0):
    """Rows: offset, place + 1, guard + 1, text."""
    return listed(5, ident, rows, first)


def machine_code(ident, code, first=0):
    return entry(6, ident, varint(first) + code)


def happening(kind, time, code=0, line=0, offset=0, target=0, callee=0,
              missing=0):
    return {"kind": KINDS[kind] if isinstance(kind, str) else kind,
            "time": time, "code": code, "line": line, "offset": offset,
            "target": target, "callee": callee, "missing": missing}


def site(code, place=None, line=None, opname=None, code_hash=None, untyped=0,
         other=0, tuples=(), bytecodes=None):
    """A row: `place` is (offset, opcode), a tuple ((words...), hits)."""
    optional = (place, line, opname, code_hash)
    hits = untyped + other + sum(hits for _, hits in tuples)
    out = varint(code) + varint(sum(
        1 << i for i, value in enumerate(optional) if value is not None))
    for value in (*(place or ()), line, opname, code_hash):
        out += b"" if value is None else varint(value)
    out += varint(untyped) + varint(other)
    out += varint((hits if bytecodes is None else bytecodes) - hits)
    out += varint(len(tuples))
    for words, count in tuples:
        out += varint(len(words)) + b"".join(varint(w) for w in words)
        out += varint(count)
    return out


def grouped(session):
    """The same with all chunks but the first in one GROUP."""
    payloads = b""
    for part in session.chunks[1:]:
        kind, _, size = struct.unpack_from("<HHI", part, 16)
        payloads += varint(kind) + varint(size) + part[24:]
    del session.chunks[1:]
    session.number = 1
    session.put(GROUP, payloads)
    return session


def demo(ident=0x1234, **session):
    """main 100 us self; work 600 in lines 11 and 12; leaf under both 300."""
    s = Session(ident, **session)
    s.codes([(1, "toy:main:1:demo.toy"), (2, "toy:work:10:demo.toy"),
             (3, "toy:leaf:20:lib%3Aone.toy")])
    s.frames(1, [(1, 1, 2, None), (2, 1, 11, 5), (2, 1, 12, 6),
                 (3, 3, None, 9)])
    s.nodes(1, [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)])
    s.thread(0, "main", 100, 0, 0)
    s.samples(0, [(1, 100, 100), (2, 400, 400), (4, 4, 0), (3, 200, 200),
                  (4, 0), (4, 100, 100), (5, 200, 200)], start=10)
    s.thread(0, "main", 100, 0, 2001, 1250)
    s.stats(time=2000, expirations=9, samples=6, ring_full=2, busy=1,
            stacks_cut=1, frames_cut=7, sampled=1000000)
    s.end(2100)
    return s


def native_demo(ident=0x1234, path="/nowhere/libdemo.so",
                build_id=b"\x12\0\xff",
                **session):
    """main, beneath and above machine code; every kind that no VM enters."""
    s = Session(ident, **session)
    s.codes([(1, "toy:main:1:demo.toy"), (2, "toy:work:10:demo.toy")])
    s.modules(1, [{"path": path, "build_id": build_id, "start": 0x7f0000001000,
                   "size": 0x2000, "offset": 0x1000, "bias": 0x7f0000000000},
                  {"path": "[vdso]", "start": 0x7f0000100000, "size": 0x1000,
                   "bias": 0x7f0000100000}])
    s.addresses(1, [(1, 0x1234), (1, 0x1300), (2, 0x500), (0, 0x7f00aa00)])
    s.frames(5, [(1, 1, 2, None), (2, 1, 11, 5), (0, SYSTEM, None, None),
                 (0, NO_POLL, None, None)])
    s.nodes(1, [(0, 1), (1, 5), (2, 2), (3, 6), (4, 3), (4, 7), (4, 8),
                (4, 4)])
    s.thread(0, "main", 100)
    s.samples(0, [(2, 100, 100), (0, 4), (4, 200, 200), (0, 0), (5, 50, 50),
                  (6, 70, 70), (7, 80, 80), (0, 8), (8, 500, 500)], start=10)
    s.stats(time=1010, expirations=6, samples=6, polled=1, held_back=1,
            system_ticks=7, native_cut=3, native_failed=2, clock_retries=5)
    s.end(1010)
    return s


def events_demo(ident=0x1234, **session):
    """The demo with recorded events of two threads. On the first: work calls leaf,
    which a collection interrupts; then the return of work is lost with others."""
    s = demo(ident, **session)
    s.chunks.pop()  # the end
    s.number -= 1
    s.thread(1, "helper", 101)
    s.recorded(0, [
        happening("call", 1000, 2, 10, 4),
        happening("line", 1100, 2, 11, 6),
        happening("call", 1200, 3, 20),
        happening("gc-start", 1300),
        happening("gc-end", 1700),
        happening("return", 2000, 3, 21),
        happening("c-call", 2100, 2, 12, callee=1),
        happening("c-return", 2150, 2, 12, callee=1),
    ], start=1000)
    s.recorded(1, [
        happening("thread-started", 1500),
        happening("jit-compiled", 1600, 2, 11, target=7),
        happening("jit-entered", 1700, 2, 11, target=7),
        happening("raise", 1800, 3, 22),
        happening("jit-left", 1900, 2, 11, target=7),
        happening("return", 1950, 3, 21),
        happening("vm-0", 2**40, target=2**64 - 1),
    ], start=900)
    s.recorded(0, [
        happening("call", 3000, 1, 1, missing=1 << 2 | 1 << 16),
        happening("handled", 3100, 1, 2),
    ], first=8, start=3000)
    s.recorded_totals({0: (3, 0, 0, 0), 2: (2, 0, 0, 5), 16: (1, 7, 4, 0)},
                      events=EVERY_KIND, rate=1000)
    s.end(2100)
    return s


INT, FLOAT, STR, LIST, POINT, ADD, LOAD, CALL, JUMP = range(1, 10)
TYPE_WORDS = ["int", "float", "str", "list", "Point", "ADD", "LOAD", "CALL",
              "JUMP"]


def layers_demo(ident=0x1234):
    """What layers gather: counts, lines and calls."""
    s = Session(ident)
    s.codes([(1, "toy:main:1:a.toy"), (2, "toy:work:10:a.toy")])
    s.event_counts([(1, 0, 1), (2, 0, 42), (0, 16, 7)], lost=7)
    s.lines([(1, 2, 1), (1, 3, 0), (2, 11, 1)], lost=1)
    s.calls([(None, 1, 0, 0, 0, 900), (0, 1, 1, 0, 100, 900),
             (1, 2, 40, 3, 600, 700), (2, 2, 2, 0, 50, 50)], lost=3,
            unmatched=2, abandoned=1)
    s.end(1000)
    return s


def types_demo(ident=0x1234, **session):
    """The demo with types: work has a site of each kind, at period 100."""
    s = demo(ident, **session)
    s.chunks.pop()  # the end
    s.number -= 1
    s.words(1, TYPE_WORDS)
    s.sites([
        site(2, (2, 8), 11, LOAD, 77, tuples=[((POINT,), 500)],
             bytecodes=50000),
        site(2, (5, 1), 11, ADD, 77, bytecodes=100000,
             tuples=[((INT, INT), 812), ((FLOAT, INT), 188)]),
        site(2, (6, 1), 12, ADD, 77, other=20, bytecodes=10000,
             tuples=[((INT, 0), 40), ((STR, STR), 20), ((LIST, LIST), 10),
                     ((FLOAT, FLOAT), 10)]),
        site(2, (8, 9), 12, JUMP, 77, untyped=300, bytecodes=30000),
        site(2, (9, 2), 13, CALL, 77),
        site(3, (4, 7), None, None, None, untyped=1, bytecodes=1100,
             tuples=[((INT,), 10)]),
        site(3, None, None, None, None, untyped=5, bytecodes=500),
        site(0, untyped=7, bytecodes=700),
    ], time=2050, since=20, period=100, jitter=True)
    s.end(2100)
    return s


# Ids of the JIT's demo: traces, and the first guard of each.
OUTER, INNER, COLD, ENTRY = 1, 10, 20, 30
LOOP_CODE = bytes.fromhex("4883c001" "4839d8" "7c02" "ebf6" "c3")


def jit_traces(s):
    """OUTER, a loop with two guards; INNER, a bridge of its first guard back to
    it; COLD, another loop; ENTRY, a bridge to OUTER."""
    s.traces(
        trace(OUTER, name="", kind=LOOP, end=ENDS_LOOP, code=2, offset=4,
              line=11, target=OUTER, address=0x7000, length=len(LOOP_CODE),
              loop_offset=0, emits=7, first_guard=OUTER + 1, guard_count=2,
              registered=5),
        places(OUTER, [(2, 4, 11, 0), (3, 8, 21, 1), (2, 9, 12, 0)]),
        positions(OUTER, [(0, 0), (4, 1), (9, 2)]),
        guards(OUTER, [(7, 2, INNER, "i < n"), (9, 3, 0, "is_int(x)")]),
        operations(OUTER, [(0, 1, 0, "i = i + 1"), (4, 2, 1, "guard(i < n)"),
                           (9, 3, 0, "jump()")]),
        machine_code(OUTER, LOOP_CODE))
    s.traces(
        trace(INNER, name="the bridge", kind=BRIDGE, end=ENDS_JUMP, code=3,
              line=21, guard=OUTER + 1, parent=OUTER, target=OUTER,
              address=0x8000, length=16, first_guard=INNER + 1, guard_count=1),
        guards(INNER, [(3, 0, 0, "rare")]),
        trace(COLD, name="cold", kind=LOOP, end=ENDS_LOOP, target=COLD,
              code=1, line=3, address=0x9000, length=8, first_guard=COLD + 1,
              guard_count=1),
        guards(COLD, [(1, 0, 0, "")]),
        trace(ENTRY, name="entry", kind=ENTRY_BRIDGE, end=ENDS_JUMP, code=2,
              line=11, target=OUTER, address=0xa000, length=8))


def jit_demo(ident=0x1234, **session):
    """The demo with a JIT. A tick is half a nanosecond."""
    s = Session(ident, **session)
    s.codes([(1, "toy:main:1:demo.toy"), (2, "toy:work:10:demo.toy"),
             (3, "toy:leaf:20:lib%3Aone.toy")])
    jit_traces(s)
    s.frames(1, [(1, 1, 2, None), (2, 1, 11, None), (OUTER, TRACE, None, 2),
                 (OUTER, TRACE, None, 5), (INNER, TRACE, None, None),
                 (COLD, TRACE, None, 0)])
    s.nodes(1, [(0, 1), (1, 2), (2, 3), (2, 4), (2, 5), (1, 6)])
    s.thread(0, "main", 100)
    s.samples(0, [(2, 100, 100), (1, 0), (2, 100, 100), (4, 0),
                  (3, 300, 300), (4, 200, 200), (5, 100, 100), (6, 200, 200)],
              start=0)
    events = [(200000, EDGE_ENTER, ENTRY), (220000, EDGE_JUMP, OUTER),
              (620000, EDGE_JUMP, INNER), (820000, EDGE_JUMP, OUTER),
              (1220000, EDGE_EXIT, OUTER + 2), (1420000, EDGE_ENTER, COLD),
              (1820000, EDGE_EXIT, COLD + 1)]
    s.events(0, events, [(0, 0, 0), (2000000, 1000000, 1000000)])
    s.counts({OUTER: 2000, OUTER + 1: 700, OUTER + 2: 1, INNER: 700, COLD: 1,
              ENTRY: 1})
    s.thread(0, "main", 100, 0, 1001, 1000)
    s.stats(time=1000, expirations=6, samples=6)
    s.end(1000)
    return s
