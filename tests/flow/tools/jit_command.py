# SPDX-License-Identifier: MIT
"""What vmprof jit --json says of a log, for the tests of it."""

import json

from command import text, write

NO_DAMAGE = {"untimed": 0, "first_line": 0, "first_offset": 0, "bytes_unread": 0,
             "lines_unknown": 0, "lines_too_long": 0, "unopened": 0,
             "unclosed": 0, "backwards": 0, "unmatched": 0, "repeated": 0,
             "limited": 0, "untimed": 0, "cut": False}


def encoded(data):
    return data if isinstance(data, bytes) else data.encode()


def jit(data, *options, name="a.log"):
    """What --json says of a log with these bytes."""
    return json.loads(text("jit", "--json", *options,
                           write(encoded(data), name)))


def damage(data):
    """What is not as it should be."""
    found = jit(data)["damage"]
    return {key: value for key, value in found.items()
            if value != NO_DAMAGE[key] and not key.startswith("first")}


def traces(result):
    return {trace["name"]: trace for trace in result["traces"]}


def events(trace, folded=False):
    figures = trace["with_bridges" if folded else "figures"]["events"]
    return figures["self"], figures["entries"]
