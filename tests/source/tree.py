"""The project's own C files, for the checks of the source."""

import pathlib
import re

PARTS = ("include", "lib", "tools", "shims", "examples", "tests", "bench")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|(\"(?:\\.|[^\"\\\n])*\")", re.S)


def c_files(root):
    """All .c and .h files below the parts that we write."""
    for part in PARTS:
        for path in sorted((pathlib.Path(root) / part).rglob("*.[ch]")):
            yield path


def without_comments(text):
    """The code alone; comments leave their line breaks."""
    return COMMENT.sub(
        lambda match: match.group(1) or "\n" * match.group().count("\n"), text)
