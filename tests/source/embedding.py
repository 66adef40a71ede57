#!/usr/bin/env python3
"""embedding.py INCLUDE PAGE CC...: compile a page's C blocks as one file."""

import pathlib
import re
import subprocess
import sys

include, page, *compiler = sys.argv[1:]
text = pathlib.Path(page).read_text()
code = []
for block in re.finditer(r"^```c\n(.*?)^```$", text, re.M | re.S):
    line = text.count("\n", 0, block.start(1)) + 1
    code += [f'#line {line} "{page}"', block.group(1)]
if not code:
    sys.exit(f"{page}: has no C block")
command = [*compiler, "-fsyntax-only", "-std=c11", "-Wall", "-Wextra",
           "-Werror", *(f"-I{path}" for path in include.split(",")),
           "-x", "c", "-"]
sys.exit(subprocess.run(command, input="\n".join(code), text=True).returncode)
