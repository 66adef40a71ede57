#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Coverage and calls of a Lua program are what a hook that is always on finds."""

import json
import pathlib
import tempfile
import unittest

from lua import HERE, LUA, VMPROF, run  # takes its arguments first

PROGRAM = HERE / "inventory.lua"


def by_hook():
    """Lines, calls by line of definition, and calls by the caller's, too."""
    done = run(LUA, HERE / "always_on.lua", PROGRAM)
    found = {"line": set(), "active": set(), "calls": {}, "edge": {}}
    assert done.returncode == 0, done.stderr
    for row in done.stdout.splitlines()[1:]:
        kind, key, *count = row.split("\t")
        if kind in ("line", "active"):
            found[kind].add(int(key))
        else:
            found[kind][tuple(map(int, key.split()))] = int(count[0])
    return done.stdout.splitlines()[0], found


def by_layers():
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "profile"
        recorded = run(VMPROF, "record", "--tool", "coverage,callgraph",
                       "-o", file, "--", LUA, PROGRAM)
        assert recorded.returncode == 0, recorded.stderr
        shown = run(VMPROF, "events", "--coverage", "--callgraph", "--json",
                    file)
        assert shown.returncode == 0, shown.stderr
    return recorded.stdout.splitlines()[0], json.loads(shown.stdout)


class Layers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.output, cls.hook = by_hook()
        cls.recorded, cls.found = by_layers()
        cls.functions = [row for row in cls.found["calls"]
                         if row["file"] == str(PROGRAM)]

    def test_the_program_does_the_same(self):
        self.assertEqual(self.recorded, self.output)

    def lines(self, which):
        [lines] = [row[which] for row in self.found["files"]
                   if row["file"] == str(PROGRAM)]
        return lines

    def test_the_lines_that_ran_are_the_same(self):
        lines = self.lines("run")
        self.assertGreater(len(lines), 60)
        self.assertEqual(set(lines), self.hook["line"])
        self.assertEqual(self.found["lost_lines"], 0)

    def test_lines_that_did_not_run_are_known(self):
        self.assertEqual(set(self.lines("not_run")),
                         self.hook["active"] - self.hook["line"])
        self.assertEqual(len(self.lines("not_run")), 2)

    def test_every_call_is_counted(self):
        self.assertEqual({(row.get("line") or 0,): row["calls"]
                          for row in self.functions}, self.hook["calls"])

    def test_calls_between_functions_of_the_program_are_the_same(self):
        edges = {(caller.get("line") or 0, row.get("line") or 0): caller["calls"]
                 for row in self.functions for caller in row["callers"]
                 if caller.get("file") == str(PROGRAM)}
        self.assertEqual(edges, self.hook["edge"])


if __name__ == "__main__":
    unittest.main()
