#!/usr/bin/env python3
"""Check that the headers, the map and the library name the same symbols."""

import argparse
import pathlib
import re
import subprocess
import sys


def symbols_of_map(path):
    return set(re.findall(r"^\s+(\w+);", path.read_text(), re.M))


def symbols_of_header(path):
    return set(re.findall(r"^VMPROF_(?:API|INLINE\w*)\b[^;{(]*?(\w+)\s*\(",
                          path.read_text(), re.M))


def symbols_of_library(path):
    lines = subprocess.run(
        ["nm", "-D", "--defined-only", "--format=posix", path],
        check=True, capture_output=True, text=True).stdout.splitlines()
    # An absolute symbol is the name of a version node.
    return {line.split()[0].split("@")[0]
            for line in lines if line.split()[1] != "A"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--map", type=pathlib.Path, required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--headers", type=pathlib.Path, nargs="+",
                        required=True)
    args = parser.parse_args()

    in_map = symbols_of_map(args.map)
    in_headers = set().union(*map(symbols_of_header, args.headers))
    in_library = symbols_of_library(args.library)
    if not in_map:
        print(f"{args.map}: names no symbol")
        return 1

    failed = False
    for name, other in (("headers", in_headers), ("library", in_library)):
        for symbol in sorted(in_map ^ other):
            failed = True
            where, missing = (("map", name) if symbol in in_map
                              else (name, "map"))
            print(f"{symbol}: in the {where}, not in the {missing}")
    return failed


sys.exit(main())
