# SPDX-License-Identifier: MIT
"""Profiles of machine code at addresses that a test chose, and what the
command makes of them. The first argument is the command."""

import os
import pathlib
import re
import subprocess
import sys

FLOW = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(FLOW / "export"))
sys.path.insert(0, str(FLOW / "tools"))

import pprof  # noqa: E402
import vmprof_file  # noqa: E402
from command import path, tap, text, vmprof  # noqa: E402,F401


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE,
                          text=True, timeout=120, **more).stdout


def build_id(file):
    found = re.search(r"Build ID: ([0-9a-f]+)", run("readelf", "-nW", file))
    return bytes.fromhex(found[1]) if found else b""


def section(file, name):
    """Its address and its size."""
    found = re.search(rf"\]\s+{re.escape(name)}\s+\S+\s+(\w+)\s+\w+\s+(\w+)",
                      run("readelf", "-SW", file))
    return int(found[1], 16), int(found[2], 16)


def recording(file, addresses, ident=None, pid=77, **module):
    """A profile with a sample at each address of one module."""
    session = vmprof_file.Session(pid=pid)
    number = 0
    if file is not None:
        values = {"path": os.fspath(file),
                  "build_id": build_id(file) if ident is None else ident,
                  "start": 0x10000, "size": 0x100000}
        session.modules(1, [{k: v for k, v in {**values, **module}.items()
                             if v}])
        number = 1
    session.thread(0)
    for at in range(0, len(addresses), 1000):
        part = addresses[at:at + 1000]
        session.addresses(at + 1, [(number, address) for address in part])
        session.nodes(at + 1, [(0, at + i + 1) for i in range(len(part))])
        session.samples(0, [(at + i + 1, 1, 1) for i in range(len(part))],
                        start=at)
    session.end(len(addresses) + 1)
    name = path("addresses.vmprof")
    pathlib.Path(name).write_bytes(session.bytes())
    return name


def look_up(file, addresses, expect=0, env=None, **more):
    """By address: (function, file, line) of the outermost last; and what was
    said on stderr."""
    done = vmprof("convert", "--to", "pprof", "-o", path("out.pb.gz"),
                  recording(file, addresses, **more), env=env)
    if done.returncode != expect:
        raise AssertionError((done.returncode, done.stderr))
    read = pprof.Pprof(path("out.pb.gz"))
    found = {}
    for stack, ids in zip(read.samples, read.stacks):
        address = pprof.number(read.locations[ids[0]], 3)
        found[address] = [(name, source, line)
                          for name, source, _, line in stack[0]]
    return found, done.stderr.decode()


def only(file, address, **more):
    """The names of one address, and what was said."""
    found, said = look_up(file, [address], **more)
    (frames,) = found.values()
    return frames, said
