# SPDX-License-Identifier: MIT
"""What the tests of types share: where the others are, and type profiles."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))

import vmprof_file  # noqa: E402
from command import ALL, DEADLINE, SLOW, VMPROF, info, path, tap, text, vmprof, write  # noqa: E402,F401
from vmprof_file import site  # noqa: E402

WORDS = ["int", "float", "str", "ADD"]
INT, FLOAT, STR, ADD = range(1, 5)


def profile(*readouts, words=None, ident=0x1234, codes=None, **how):
    """A file with a read-out for each list of rows."""
    s = vmprof_file.Session(ident)
    s.codes(codes or [(1, "toy:main:1:demo.toy"), (2, "toy:work:10:demo.toy")])
    s.words(1, WORDS if words is None else words)
    for number, rows in enumerate(readouts, 1):
        s.sites(rows, time=100 * number, since=100 * (number - 1), **how)
    s.end(1000)
    return s.bytes()


def one_site(tuples, other=0, untyped=0, **more):
    return profile([site(2, (5, 1), 11, ADD, 77, tuples=tuples, other=other,
                         untyped=untyped, **more)])


def types(data, *options):
    """types --json of a file with these bytes."""
    return json.loads(text("types", "--json", *options, write(data)))


def sites(data, *options):
    return [row for function in types(data, *options)["functions"]
            for row in function["sites"]]


def kind(data, *options):
    return sites(data, *options)[0]["kind"]


def rows(data, *options):
    """types --ndjson of a file with these bytes."""
    lines = text("types", "--ndjson", *options, write(data)).splitlines()
    return [json.loads(line) for line in lines]
