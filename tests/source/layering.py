#!/usr/bin/env python3
"""layering.py ROOT: imports go one way, and the core names no VM.

    record -> format <- read <- analyse <- export <- view
                         ^- symbols, which the commands give to the reader
"""

import pathlib
import re
import sys

import tree

INCLUDE = re.compile(r"^\s*#\s*include\s*(?:\"([^\"]+)\"|<(vmprof/[^>]+)>)",
                     re.M)
VM_NAME = re.compile(r"lua|pypy|python|cruby|perl|javascript|toyvm", re.I)

# What may include what, by the longest part of the tree that fits: a file may
# always include its own part. The command's own files are tools/*.
MAY_INCLUDE = {
    "include": [],
    "lib/format": ["lib", "lib/os", "include"],
    "lib/os": ["lib/format", "include"],
    "lib/record": ["lib", "lib/format", "lib/os", "include"],
    # Uses the library as anybody else would.
    "lib/rvmprof": ["lib", "include"],
    "lib": ["include"],
    "tools/read": ["lib", "lib/format", "tools/text", "include"],
    "tools/symbols": ["lib", "tools/read", "include"],
    "tools/analyse": ["lib", "tools/read", "include"],
    "tools/export": ["lib", "lib/format", "tools/analyse", "tools/read",
                     "tools/text",
                     "include"],
    "tools/view": ["tools/export", "tools/analyse", "tools/read",
                   "tools/text", "include"],
    "tools/report": ["lib", "lib/format", "tools", "tools/read",
                     "tools/analyse", "tools/export", "tools/text", "include"],
    "tools/text": ["lib/format"],
    "tools": ["tools/read", "tools/symbols", "tools/analyse", "tools/export",
              "tools/view", "tools/report", "tools/text", "include"],
    "shims": ["include"],
    "examples": ["include"],
}


def part_of(path):
    """The key of MAY_INCLUDE that a path below the root belongs to."""
    fitting = [part for part in MAY_INCLUDE
               if path.parts[:len(part.split("/"))] == tuple(part.split("/"))]
    return max(fitting, key=len, default=None)


def resolve(root, source, name):
    """The included file below the root, or None: not one of ours."""
    for base in (source.parent, root / "tools", root / "lib",
                 root / "include", root):
        candidate = (base / name).resolve()
        if candidate.is_file() and candidate.is_relative_to(root):
            return candidate.relative_to(root)
    return None


def wrong_includes(root, path, code):
    own = part_of(path.relative_to(root))
    if own is None:
        return
    for match in INCLUDE.finditer(code):
        target = resolve(root, path, match.group(1) or match.group(2))
        part = part_of(target) if target else None
        if target and part != own and part not in MAY_INCLUDE[own]:
            yield f"{path.relative_to(root)}: includes {target}"


def vm_names(root, path, code):
    inside = path.relative_to(root)
    # One of the numbers of a format is a name.
    if inside.parts[0] not in ("lib", "include") or \
            inside.as_posix() == "lib/format/log.h":
        return
    for number, line in enumerate(code.splitlines(), 1):
        if VM_NAME.search(line):
            yield f"{path.relative_to(root)}:{number}: names a VM: " \
                  f"{line.strip()}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    found = []
    count = 0
    for path in tree.c_files(root):
        code = tree.without_comments(path.read_text())
        found += wrong_includes(root, path, code)
        found += vm_names(root, path, code)
        count += 1
    print("\n".join(found) or f"{count} files keep the rules")
    return bool(found) or count == 0


sys.exit(main())
