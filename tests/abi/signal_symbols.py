#!/usr/bin/env python3
"""Check what the objects of a directory for signal context call, such as
lib/record/signal/.

They run in a signal handler, so what they need from elsewhere must be in the
list of names that are safe there. What one of them defines another may use,
and so may they use the library's data.
"""

import argparse
import fnmatch
import pathlib
import re
import subprocess
import sys

# How Meson names x.c in a directory called signal.
SIGNAL_OBJECT = re.compile(r"[\[/](?:record_)?signal_(\w+)\.c\.o")

DATA = "BCDGRSV"


def allowed_symbols(path):
    lines = (line.split("#")[0].strip()
             for line in path.read_text().splitlines())
    return {line for line in lines if line}


def symbols(library):
    """Yield (object, symbol, type); object: None if it is another's."""
    lines = subprocess.run(["nm", "-A", "--format=posix", library], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        member = SIGNAL_OBJECT.search(line)
        name, kind = line.split(": ", 1)[1].split()[:2]
        yield member and member.group(1) + ".c", name, kind


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--allowed", type=pathlib.Path, required=True)
    parser.add_argument("--also", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--directory", type=pathlib.PurePath, required=True)
    parser.add_argument("--library", required=True)
    args = parser.parse_args()

    found = list(symbols(args.library))
    allowed = allowed_symbols(args.allowed) | set(args.also)
    own = {name for member, name, kind in found if member and kind != "U"}
    data = {name for _, name, kind in found if kind in DATA}
    needed = {(member, name) for member, name, kind in found
              if member and kind == "U" and name not in own | data}
    if not own:
        print(f"{args.library}: has no object of {args.directory}")
        return 1
    wrong = sorted((member, name) for member, name in needed
                   if not any(fnmatch.fnmatchcase(name, pattern)
                              for pattern in allowed))
    for member, name in wrong:
        print(f"{args.directory / member} needs {name}, which "
              f"{args.allowed.name} does not allow")
    return bool(wrong)


sys.exit(main())
