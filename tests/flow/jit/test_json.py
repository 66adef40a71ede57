#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof jit --json is as doc/jit.md says, name by name and type by type."""

import pathlib
import re
import unittest

import common as c
from common import f

PAGE = pathlib.Path(__file__).parents[3] / "doc" / "jit.md"


def schema():
    """Path of each member and its type, from the page's table."""
    rows = re.findall(r"^\| `([^`]+)` \| ([a-z]+)(, optional)? \|",
                      PAGE.read_text(encoding="utf-8"), re.M)
    return {name: (kind, bool(optional)) for name, kind, optional in rows}


def find(known, name):
    """A star in the page stands for what is alike."""
    for starred in (name, re.sub(r"\.(figures|with_bridges)\b", ".*", name),
                    re.sub(r"^phases\.(events|sampled)\.", "phases.*.", name)):
        if starred in known:
            return known[starred]
    return None


def kind_of(value):
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, (int, float)):
        return "number"
    return {str: "text", list: "array", dict: "object"}[type(value)]


def walk(value, name=""):
    """Every (path, kind); all elements of an array have one path."""
    if name:
        yield name, kind_of(value)
    if isinstance(value, dict):
        for key, member in value.items():
            yield from walk(member, f"{name}.{key}" if name else key)
    if isinstance(value, list):
        for member in value:
            if isinstance(member, (dict, list)):
                yield from walk(member, name + "[]")


# What other commands have as well, and stands where they are described.
ELSEWHERE = ("sessions[]", "profile_damage.")
FILES = {
    "demo": f.jit_demo().bytes(),
    "story": c.story(),
    "traces alone": c.session().bytes(),
}


class Schema(unittest.TestCase):
    def test_every_member_is_in_the_page_with_its_type(self):
        known = schema()
        for title, data in FILES.items():
            for name, kind in walk(c.jit(data)):
                if name.startswith(ELSEWHERE) or name.endswith("[]"):
                    continue
                if re.match(r"phases\.[a-z]+\.ns\.[a-z]+$", name):
                    continue
                with self.subTest(file=title, name=name):
                    self.assertIsNotNone(find(known, name))
                    self.assertEqual(kind, find(known, name)[0])

    def test_the_page_promises_nothing_that_is_never_there(self):
        seen = {name for data in FILES.values()
                for name, _ in walk(c.jit(data))}
        for name, (_, optional) in schema().items():
            with self.subTest(name=name):
                if not optional:
                    self.assertIn(name, seen)

    def test_figures_of_each_method_are_there_where_it_was_used(self):
        alone = c.by_name(c.jit(FILES["traces alone"]))["loop"]["figures"]
        self.assertNotIn("events", alone)
        both = c.by_name(c.jit(FILES["demo"]))["cold"]["figures"]
        self.assertEqual(set(both), {"events", "sampled", "counts"})


if __name__ == "__main__":
    c.tap.main()
