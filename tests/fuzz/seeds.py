#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes inputs for the fuzzer to start from into a directory."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../flow/tools"))
import vmprof_file


def recipe(chunks):
    """The recipe from which the fuzzer makes these chunks."""
    out = b"\x01"
    for chunk in chunks:
        session, _, kind, _, size = struct.unpack_from("<IIHHI", chunk, 8)
        out += bytes([kind, session & 3, 0]) + struct.pack("<H", size)
        out += chunk[24:]
    return out


def main(directory):
    os.makedirs(directory, exist_ok=True)
    one, two = vmprof_file.demo(1), vmprof_file.demo(2, mode=1)
    native = vmprof_file.native_demo(1)
    mixed = [c for pair in zip(one.chunks, two.chunks) for c in pair]
    for name, data in {"file": b"\0" + one.bytes(),
                       "recipe": recipe(one.chunks),
                       "two": recipe(mixed),
                       "native": recipe(native.chunks),
                       "group": recipe(vmprof_file.grouped(one).chunks)}.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(data)


main(sys.argv[1])
