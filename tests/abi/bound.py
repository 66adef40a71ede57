#!/usr/bin/env python3
"""Check that libraries are bound when they are loaded, and stay loaded.

A function that is looked for when it is first called takes locks and 3 KiB of
stack, in a signal handler maybe one that the host has made for less."""

import re
import subprocess
import sys


def flags_of(path):
    text = subprocess.run(["readelf", "--dynamic", "--wide", path], check=True,
                          capture_output=True, text=True).stdout
    return set(re.findall(r"\b(?:BIND_NOW|NOW|NODELETE)\b", text))


failed = False
for library in sys.argv[1:]:
    flags = flags_of(library)
    if not flags & {"NOW", "BIND_NOW"}:
        failed = True
        print(f"{library}: looks for functions when they are called: -z now")
    if "NODELETE" not in flags:
        failed = True
        print(f"{library}: can be unloaded: -z nodelete")
sys.exit(failed)
