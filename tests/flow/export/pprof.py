# SPDX-License-Identifier: MIT
"""Reads pprof files, by a decoder of our own."""

import collections
import gzip


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def read_message(data):
    """Fields by number; a length-delimited one is bytes."""
    fields = collections.defaultdict(list)
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
        elif key & 7 == 2:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size
        else:
            raise ValueError(f"wire type {key & 7}")
        fields[key >> 3].append(value)
    return fields


def number(message, field):
    return message[field][-1] if message[field] else 0


def packed(message, field):
    values = []
    for data in message[field]:
        at = 0
        while at < len(data):
            value, at = read_varint(data, at)
            values.append(value)
    return values


class Pprof:
    def __init__(self, path):
        with gzip.open(path) as file:
            self.raw = read_message(file.read())
        self.strings = [s.decode() for s in self.raw[6]]
        self.functions = self.by_id(5)
        self.locations = self.by_id(4)
        self.mappings = self.by_id(3)
        self.stacks = [packed(read_message(m), 1) for m in self.raw[2]]
        self.samples = [self.sample(read_message(m)) for m in self.raw[2]]

    def by_id(self, field):
        messages = [read_message(m) for m in self.raw[field]]
        ids = [number(m, 1) for m in messages]
        assert ids == list(range(1, len(ids) + 1)), "ids are not dense"
        return dict(zip(ids, messages))

    def string(self, message, field):
        return self.strings[number(message, field)]

    def value_type(self, message):
        return self.string(message, 1), self.string(message, 2)

    def frame(self, location_id):
        location = self.locations[location_id]
        lines = [read_message(m) for m in location[4]]
        assert len(lines) == 1, "some readers drop all but one line"
        assert number(location, 2) in self.mappings
        function = self.functions[number(lines[0], 1)]
        return (self.string(function, 2), self.string(function, 4),
                number(function, 5), number(lines[0], 2))

    def sample(self, message):
        labels = {}
        for data in message[3]:
            label = read_message(data)
            value = self.string(label, 2) if label[2] else number(label, 3)
            labels[self.string(label, 1)] = value
        stack = tuple(map(self.frame, packed(message, 1)))
        return stack, packed(message, 2), labels
