#!/usr/bin/env python3
"""Check that every public function's comment says @since and a context.

A context is in the fixed vocabulary of base.h. A function that only fills the
struct it is handed (..._init) needs none, one described as another ("As
vmprof_x()") has that one's, and one marked @private is not for callers.
"""

import pathlib
import re
import sys

VOCABULARY = ("any thread", "the owning thread", "async-signal-safe",
              "not while enabled", "as vmprof_")
FUNCTION = re.compile(
    r"/\*\*(?P<comment>(?:(?!\*/).)*)\*/\s*"
    r"(?:VMPROF_(?:API|INLINE\w*|NODISCARD)\s+)+[^;{(]*?(?P<name>\w+)\s*\(", re.S)
DECLARED = re.compile(r"^VMPROF_(?:API|INLINE\w*)\b[^;{(]*?(\w+)\s*\(", re.M)


def faults(name, comment):
    text = re.sub(r"\s*\n\s*\*\s?", " ", comment)
    if "@private" in text:
        return
    if "@since" not in text:
        yield f"{name}: no @since"
    context = re.search(r"@par Context(.*?)(?:@\w|$)", text)
    told = (context.group(1) if context else "").lower()
    if not context and re.search(r"\bAs vmprof_\w+\(\)", text):
        return
    if not any(word in told for word in VOCABULARY) \
            and not name.endswith("_init"):
        yield f"{name}: no @par Context out of {', '.join(VOCABULARY)}"


def main():
    found = []
    count = 0
    for path in map(pathlib.Path, sys.argv[1:]):
        text = path.read_text()
        described = {match["name"]: match["comment"]
                     for match in FUNCTION.finditer(text)}
        for name in DECLARED.findall(text):
            count += 1
            if name not in described:
                found.append(f"{path.name}: {name}: no comment")
            else:
                found += [f"{path.name}: {fault}"
                          for fault in faults(name, described[name])]
    print("\n".join(found) or f"{count} functions are described")
    return bool(found) or count == 0


sys.exit(main())
