#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names, lines and inlined calls of random addresses, against addr2line.

    addresses.py VMPROF FILE...
"""

import collections
import os
import random
import re
import shutil
import sys
import unittest

from machine_code import look_up, run, tap

COUNT = int(os.environ.get("VMPROF_TEST_ADDRESSES", "1000"))


def functions(file):
    """By address and size: all names of the functions there."""
    found = collections.defaultdict(set)
    for line in run("nm", "-S", "-C", file).splitlines():
        part = re.fullmatch(r"([0-9a-f]+) ([0-9a-f]+) [TtWwi] (.*)", line)
        if part and int(part[2], 16):
            found[int(part[1], 16), int(part[2], 16)].add(part[3])
    return found


def place(text):
    """(file, line) of "file:line (discriminator N)"; ("", 0) if unknown."""
    source, _, number = re.sub(r" \(.*\)$", "", text).rpartition(":")
    known = number.isdigit() and number != "0"
    return (os.path.normpath(source), int(number)) if known else ("", 0)


def ask(tool, file, addresses):
    """By address: (function, file, line), the innermost first."""
    out = run(tool, "-a", "-i", "-f", "-C", "-e", file,
              input="\n".join(f"{a:#x}" for a in addresses))
    found, lines = {}, iter(out.splitlines())
    for line in lines:
        if re.fullmatch(r"0x[0-9a-f]+", line):
            frames = found.setdefault(int(line, 16), [])
        else:
            frames.append((line, *place(next(lines))))
    return found


# They differ now and then; binutils 2.40 for instance takes the name of the
# outermost function for an inlined one that has no name of the linker's.
REFERENCES = [tool for tool in ("addr2line", "llvm-addr2line")
              if shutil.which(tool)]


def places(frames):
    return [frame[1:] for frame in frames]


def is_name(name, i, got, answers, names):
    """Compilers leave the linker's name of local C++ functions out, and then
    the table of symbols, which `names` is from, says more than DWARF does."""
    if name in {a[i][0] for a in answers if len(a) == len(got)} | names:
        return True
    return i == len(got) - 1 and any("(" in other for other in names)


def is_right(got, answers, names):
    if len(got) == 1 and not got[0][2]:
        return is_name(got[0][0], 0, got, [], names)
    return places(got) in map(places, answers) and all(
        is_name(name, i, got, answers, names)
        for i, (name, _, _) in enumerate(got))


class Addresses(unittest.TestCase):
    def check(self, file):
        if file.endswith("_cpp") and "llvm-addr2line" not in REFERENCES:
            self.skipTest("llvm-addr2line is not installed")
        table = functions(file)
        chosen = random.Random(1)
        places = sorted(chosen.choices(
            list(table), weights=[size for _, size in table], k=COUNT))
        where = {start + chosen.randrange(size): table[start, size]
                 for start, size in places}
        found, _ = look_up(file, list(where))
        asked = [ask(tool, file, list(where)) for tool in REFERENCES]
        wrong = []
        for address, names in where.items():
            got = [(name, *(at if at[1] else ("", 0)))
                   for name, *at in found[address]]
            answers = [answer[address] for answer in asked]
            if not is_right(got, answers, names):
                wrong.append((hex(address), got, answers))
        self.assertEqual(wrong[:20], [], f"{len(wrong)} of {len(where)}")


def add(number, file):
    name = re.sub(r"\W", "_", os.path.basename(file))
    setattr(Addresses, f"test_{number}_{name}_is_as_addr2line_says",
            lambda self: self.check(file))


for number_, file_ in enumerate(map(os.path.abspath, sys.argv[2:])):
    add(number_, file_)
del sys.argv[2:]

if __name__ == "__main__":
    tap.main()
