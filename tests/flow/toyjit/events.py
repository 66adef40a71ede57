# SPDX-License-Identifier: MIT

"""The EVENTS chunks of a profile as doc/format.md describes them, and what they
say: a reader of its own, so that the command is not asked about itself."""

import collections
import struct

EDGES = ["enter", "jump", "exit", "call", "return"]
EVENTS = 14


def chunks(data):
    place = 0
    while place < len(data):
        magic, _, _, _, kind, _, length = struct.unpack_from(
            "<IIIIHHI", data, place)
        assert magic == 0x504d568e, place
        yield kind, data[place + 24:place + 24 + length]
        place += 24 + length


class Reader:
    def __init__(self, payload):
        self.payload = payload
        self.place = 0

    def varint(self):
        value = shift = 0
        while True:
            byte = self.payload[self.place]
            self.place += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)


def of_chunk(payload):
    """(ticks, edge, id) of each event."""
    reader = Reader(payload)
    thread, _, lost, _, count, ticks, marks = (
        reader.varint() for _ in range(7))
    assert (thread, lost) == (0, 0), (thread, lost)
    for _ in range(3 * marks):
        reader.varint()
    for number in range(count):
        if number == 0:
            ticks += reader.zigzag()
        word = reader.varint()
        if number > 0:
            ticks += reader.zigzag()
        yield ticks, EDGES[word & 7], word >> 3


def of_file(path):
    return [event for kind, payload in chunks(path.read_bytes())
            if kind == EVENTS for event in of_chunk(payload)]


class Replay:
    """Edges between traces and the ticks in each, from a row of events."""

    def __init__(self, events, trace_of_guard):
        self.edges = collections.Counter()
        self.exits = collections.Counter()
        self.ticks = collections.Counter()
        self.current = 0
        self.before = None
        for ticks, edge, ident in events:
            self.take(ticks, edge, ident, trace_of_guard)

    def take(self, ticks, edge, ident, trace_of_guard):
        if self.before is not None:
            self.ticks[self.current] += ticks - self.before
        self.before = ticks
        trace = trace_of_guard.get(ident, ident)
        if edge in ("exit", "call"):
            assert trace == self.current, (edge, ident, self.current)
            self.exits[ident] += edge == "exit"
            trace = 0
        self.edges[self.current, trace, edge] += 1
        self.current = trace
