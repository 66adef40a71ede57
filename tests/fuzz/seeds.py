#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""seeds.py FUZZER DIRECTORY: writes inputs for a fuzzer to start from."""

import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../flow/tools"))
import jit_files
import vmprof_file
import vmprof_log
from vmprof_log import ASSEMBLER, CODE, JITTED, LINES, MEMORY, NATIVE, PAIRS


def recipe(chunks):
    """The recipe from which the fuzzer makes these chunks."""
    out = b"\x01"
    for chunk in chunks:
        session, _, kind, _, size = struct.unpack_from("<IIHHI", chunk, 8)
        out += bytes([kind, session & 3, 0]) + struct.pack("<H", size)
        out += chunk[24:]
    return out


def log(words=(CODE, 12, CODE, 8), count=4, **how):
    out = vmprof_log.Log(**how).meta("os", "linux")
    out.name(8, "py:f:1:a.py").name(12, "py:g:5:a.py")
    for i in range(count):
        out.stack(list(words), thread=i % 2, time=i,
                  memory=9 if out.mode & MEMORY else None)
    out.name(0x7001, "n:memcpy:0:-", vmprof_log.NATIVE_NAME)
    return b"\0" + out.end().bytes()


def logs():
    traced = (NATIVE, 0x7001, ASSEMBLER, 4096, JITTED, 12, CODE, 8)
    return {
        "log": log(traced),
        "log_memory": log(mode=PAIRS | MEMORY),
        "log_lines": log((3, 12, 4, 8), mode=LINES),
        "log_plain": log((0x7001, 12, 8), mode=0),
        "log_32": log(word=4, address=4),
        "log_win64": log(word=4, address=8, win64=True),
        "log_old": log(version=1, mode=0),
        "log_times": log(version=7, flavour="times"),
        "log_seconds": log(version=7, flavour="seconds"),
        "log_headless": log(header=False),
        "log_twice": log() + log(mode=0)[1:],
        "log_hole": log() + b"\xff\0hole" + log()[60:],
    }


def profiles():
    one, two = vmprof_file.demo(1), vmprof_file.demo(2, mode=1)
    native = vmprof_file.native_demo(1)
    mixed = [c for pair in zip(one.chunks, two.chunks) for c in pair]
    return {"file": b"\0" + one.bytes(),
            "recipe": recipe(one.chunks),
            "two": recipe(mixed),
            "native": recipe(native.chunks),
            "types": recipe(vmprof_file.types_demo(1).chunks),
            "events": recipe(vmprof_file.events_demo(1).chunks),
            "layers": recipe(vmprof_file.layers_demo(1).chunks),
                       "traces": recipe(vmprof_file.jit_demo(1).chunks),
            "group": recipe(vmprof_file.grouped(one).chunks),
            **logs()}


def jit_logs():
    coloured = jit_files.PLAN.replace(b"[", b"\033[1m\033[31m[")
    return {"plan": b"\0" + jit_files.PLAN,
            "coloured": b"\6" + coloured,
            "pypylog": b"\2" + jit_files.pypylog().encode(),
            "jitlog": b"\1" + jit_files.jitlog().data,
            "jitlog_32": b"\1" + jit_files.jitlog(address=4).data,
            "jitlog_old": b"\1" + jit_files.jitlog(version=1).data}


def main(fuzzer, directory):
    os.makedirs(directory, exist_ok=True)
    inputs = {"jit": jit_logs, "read": profiles}[fuzzer]()
    for name, data in inputs.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(data)


main(sys.argv[1], sys.argv[2])
