# SPDX-License-Identifier: MIT
"""Takes a vmprof log apart as strictly as the readers that are in use: what one
of them stumbles over is an error here. From doc/format.md alone."""

import collections
import struct

STACK, NAME, END, VM_NAME, HEADER, START, META, NATIVE_NAME = range(1, 9)
CODE, JITTED, ASSEMBLER, NATIVE = 1, 3, 6, 7
MEMORY, LINES, WITH_NATIVE, PAIRS, REAL_TIME = 1, 2, 4, 8, 16
MOST_WORDS = 1 << 16

# Frames innermost first: (kind, id, line).
Sample = collections.namedtuple("Sample", "frames thread memory")


class Torn(Exception):
    """The file ends within a record."""


class Log:
    def __init__(self, data, may_be_torn=False):
        self.data, self.at = data, 0
        self.names, self.meta, self.samples = {}, {}, []
        self.mode = self.start = self.end = None
        words = [self.word() for _ in range(5)]
        assert words[:3] == [0, 3, 0] and words[4] == 0, words
        self.period_us = words[3]
        assert self.period_us >= 1
        self.torn = 0
        while self.at < len(data):
            begin = self.at
            try:
                self.record()
            except Torn:
                assert may_be_torn, f"torn at {begin} of {len(data)}"
                self.torn = len(data) - begin
                return
        self.check_names()

    def take(self, size):
        if self.at + size > len(self.data):
            raise Torn
        self.at += size
        return self.data[self.at - size:self.at]

    def word(self):
        return struct.unpack("<q", self.take(8))[0]

    def string(self):
        size = self.word()
        assert 0 <= size < 1024, size
        return self.take(size).decode()

    def time(self):
        seconds, microseconds, zone = struct.unpack("<qq8s", self.take(24))
        assert 0 <= microseconds < 1000000
        assert zone.rstrip(b"\0").decode().isalpha()
        return seconds + microseconds / 1e6

    def record(self):
        marker = self.take(1)[0]
        assert self.end is None, "a record behind the trailer"
        if marker == HEADER:
            self.header()
        elif marker in (NAME, NATIVE_NAME):
            self.name(marker)
        elif marker == STACK:
            self.stack()
        elif marker == META:
            key, value = self.string(), self.string()
            assert key not in self.meta, key
            self.meta[key] = value
        elif marker == START:
            self.start = self.time()
        else:
            assert marker == END, (marker, self.at)
            self.end = self.time()

    def header(self):
        assert self.mode is None, "a second header"
        version, mode, size = struct.unpack(">HBB", self.take(4))
        self.vm = self.take(size).decode()
        assert version == 6, version
        assert bool(mode & PAIRS) != bool(mode & LINES), mode
        assert not (mode & LINES and self.vm == "pypy")
        self.mode = mode

    def name(self, marker):
        ident, name = self.word(), self.string()
        assert ident > 0 and ident not in self.names, (ident, name)
        assert name.count(":") == 3, name
        assert (marker == NATIVE_NAME) == bool(ident & 1), (ident, name)
        assert ident & 1 or ident % 4 == 0, ident
        if marker == NATIVE_NAME:
            assert name.startswith("n:"), name
        assert int(name.split(":")[2]) >= 0
        self.names[ident] = name

    def stack(self):
        assert self.mode is not None, "a sample before the header"
        count, depth = self.word(), self.word()
        assert count == 1 and 0 <= depth <= MOST_WORDS and depth % 2 == 0
        words = struct.unpack(f"<{depth}q", self.take(8 * depth))
        thread = self.word()
        memory = self.word() if self.mode & MEMORY else None
        self.samples.append(Sample(
            list(self.frames(words[::2], words[1::2])), thread, memory))

    def frames(self, firsts, idents):
        for first, ident in zip(firsts, idents):
            assert ident > 0, ident
            if self.mode & LINES:
                assert first >= 0, first
                yield (NATIVE if ident & 1 else CODE), ident, first
                continue
            assert first in (CODE, JITTED, ASSEMBLER, NATIVE), first
            if first != ASSEMBLER:
                assert bool(ident & 1) == (first == NATIVE), (first, ident)
                yield first, ident, 0

    def check_names(self):
        for sample in self.samples:
            for _, ident, _ in sample.frames:
                assert ident in self.names, ident

    def function(self, ident):
        return self.names[ident].split(":")[1]
