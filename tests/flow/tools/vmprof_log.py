# SPDX-License-Identifier: MIT
"""Writes vmprof logs, and reads well-formed ones, from doc/format.md alone."""

import collections
import gzip
import struct

(STACK, NAME, END, VM_NAME, HEADER, START, META, NATIVE_NAME, ALLOCATION,
 OBJECTS) = range(1, 11)
(CODE, BLACKHOLE, JITTED, JITTING, GC, ASSEMBLER, NATIVE) = range(1, 8)
MEMORY, LINES, WITH_NATIVE, PAIRS, REAL_TIME = 1, 2, 4, 8, 16
BEGIN = 1700000000


class Log:
    """`data` collects what was written."""

    def __init__(self, word=8, address=8, period=1000, version=6, mode=PAIRS,
                 vm="toyvm", flavour=None, win64=False, header=True,
                 begin=True):
        self.word_size, self.address_size = word, address
        self.version, self.mode, self.flavour = version, mode, flavour
        self.data = b"".join(self.word(w) for w in
                             (0, 3, 0, period, 1 if win64 else 0))
        if header:
            self.header(vm)
        if begin and version >= 6:
            self.time(START, BEGIN)

    def word(self, value):
        return struct.pack("<q" if self.word_size == 8 else "<i", value)

    def address(self, value):
        size = self.address_size
        return struct.pack("<Q" if size == 8 else "<I",
                           value & (1 << 8 * size) - 1)

    def string(self, value):
        if isinstance(value, str):
            value = value.encode()
        return self.word(len(value)) + value

    def put(self, data):
        self.data += data
        return self

    def header(self, vm):
        mode = bytes([self.mode]) if self.version >= 4 else b""
        return self.put(bytes([HEADER]) + struct.pack(">H", self.version) +
                        mode + bytes([len(vm)]) + vm.encode())

    def time(self, marker, seconds, microseconds=0):
        return self.put(bytes([marker]) + struct.pack(
            "<qq8x", seconds, microseconds))

    def meta(self, key, value):
        return self.put(bytes([META]) + self.string(key) + self.string(value))

    def name(self, ident, name, marker=NAME):
        return self.put(bytes([marker]) + self.address(ident) +
                        self.string(name))

    def stack(self, words, thread=0, memory=None, time=0, count=1,
              marker=STACK):
        """`words`: as they stand, the innermost first."""
        out = bytes([marker])
        out += (struct.pack("<d", time) if self.flavour == "seconds" else
                self.word(count))
        out += self.word(len(words)) + b"".join(map(self.address, words))
        if self.version >= 1:
            out += self.address(thread)
        if memory is not None:
            out += self.address(memory)
        if self.flavour == "times":
            out += struct.pack("<q", time)
        return self.put(out)

    def end(self, seconds=BEGIN + 2, microseconds=500000):
        if self.version < 5:
            return self.put(bytes([END]))
        return self.time(END, seconds, microseconds)

    def bytes(self):
        return self.data


class Reader:
    """Well-formed logs of 8-byte words, versions 4 to 6; one that is not
    raises an exception."""

    def __init__(self, data):
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        self.data, self.at = data, 40
        words = struct.unpack_from("<5q", data)
        assert words[:3] == (0, 3, 0) and words[3] > 0 and words[4] == 0
        self.period_ns = words[3] * 1000
        self.mode, self.vm = None, ""
        self.samples, self.names, self.ended = [], {}, False
        while self.at < len(data) and not self.ended:
            self.record()
        assert self.mode is not None

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def string(self):
        size = self.take("q")
        assert 0 <= size <= len(self.data) - self.at
        self.at += size
        return self.data[self.at - size:self.at].decode()

    def record(self):
        marker = self.take("B")
        if marker == STACK:
            assert self.mode is not None
            count, depth = self.take("qq")
            assert count == 1
            stack = [self.take("q") for _ in range(depth)]
            thread = self.take("q")
            memory = self.take("q") if self.mode & MEMORY else None
            list(self.frames(stack))
            self.samples.append((stack, thread, memory))
        elif marker in (NAME, NATIVE_NAME):
            ident = self.take("q")
            name = self.string()
            self.names[ident] = max(name, self.names.get(ident, ""))
        elif marker in (END, START):
            self.take("qq8s")
            self.ended = marker == END
        elif marker == HEADER:
            version, = struct.unpack_from(">H", self.data, self.at)
            assert 4 <= version <= 6
            self.at += 2
            self.mode, size = self.take("BB")
            self.vm = self.data[self.at:self.at + size].decode()
            self.at += size
        elif marker == META:
            self.string(), self.string()
        else:
            raise ValueError(f"marker {marker}")

    def frames(self, stack):
        """(name in full or None, line, native), the innermost first."""
        if self.mode & PAIRS or self.vm == "pypy":
            assert len(stack) % 2 == 0
            for kind, value in zip(stack[::2], stack[1::2]):
                assert CODE <= kind <= NATIVE
                if kind != ASSEMBLER:
                    yield value, 0, kind == NATIVE
        elif self.mode & LINES:
            for line, value in zip(stack[::2], stack[1::2]):
                yield value, line, bool(value & 1)
        else:
            for value in stack:
                yield value, 0, bool(value & 1)

    def title(self, ident, native):
        """(function, line, file) as reports say it."""
        name = self.names.get(ident)
        if name is None:
            return ("0x%x" % (ident & ~1), 0, "") if native else \
                ("[unknown]", 0, "")
        parts = name.split(":", 3)
        if len(parts) < 4:
            return (name, 0, "")
        line = int(parts[2]) if parts[2].isdigit() else 0
        file = "" if native and parts[3] == "-" else parts[3]
        return (parts[1], line, file)

    def shares(self):
        """{title: [self samples, total samples]}, and by line the same."""
        functions = collections.defaultdict(lambda: [0, 0])
        lines = collections.defaultdict(lambda: [0, 0])
        for stack, _, _ in self.samples:
            titles = [(self.title(ident, native), line)
                      for ident, line, native in self.frames(stack)]
            if titles:
                functions[titles[0][0]][0] += 1
                lines[titles[0]][0] += 1
            for title in {t for t, _ in titles}:
                functions[title][1] += 1
            for title in set(titles):
                lines[title][1] += 1
        return dict(functions), dict(lines)
