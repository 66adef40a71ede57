#!/usr/bin/env python3
"""Check what the objects of lib/record/signal/ call.

They run in a signal handler, so what they need from elsewhere must be in the
list of names that are safe there; what one of them defines another may use.
"""

import argparse
import pathlib
import re
import subprocess
import sys

SIGNAL_OBJECT = re.compile(r"[\[/]record_signal_(\w+)\.c\.o")


def allowed_symbols(path):
    lines = (line.split("#")[0].strip()
             for line in path.read_text().splitlines())
    return {line for line in lines if line}


def symbols(library):
    """Yield (object, symbol, type) for the objects that matter."""
    lines = subprocess.run(["nm", "-A", "--format=posix", library], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        member = SIGNAL_OBJECT.search(line)
        if member:
            name, kind = line.split(": ", 1)[1].split()[:2]
            yield member.group(1) + ".c", name, kind


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--allowed", type=pathlib.Path, required=True)
    parser.add_argument("--library", required=True)
    args = parser.parse_args()

    found = list(symbols(args.library))
    allowed = allowed_symbols(args.allowed)
    defined = {name for _, name, kind in found if kind != "U"}
    undefined = {(member, name) for member, name, kind in found
                 if kind == "U" and name not in defined}
    if not defined:
        print(f"{args.library}: has no object of lib/record/signal/")
        return 1
    for member, name in sorted(undefined):
        if name not in allowed:
            print(f"lib/record/signal/{member} needs {name}, which "
                  f"{args.allowed.name} does not allow")
    for name in sorted(allowed - {name for _, name in undefined}):
        print(f"note: {name} is allowed and not needed")
    return not {name for _, name in undefined} <= allowed


sys.exit(main())
