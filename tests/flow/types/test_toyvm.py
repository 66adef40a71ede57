#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_toyvm.py VMPROF TOYVM: from a program to its types, as a user goes."""

import json
import os
import pathlib
import sys
import unittest

from common import path, tap, text, vmprof

TOYVM = os.path.abspath(sys.argv[2])
PROGRAM = """\
fn area(shape) {
    return shape.width * shape.height
}

fn if_even(i) {
    if i % 2 == 0 { return i } else { return float(i) }
}

fn work(n) {
    let sum = 0
    for i in 0..n {
        let shape = {width: i, height: HEIGHT}
        sum = sum + area(shape)
    }
    return sum
}

print(work(ROUNDS))
"""


def program(name, height, rounds):
    os.makedirs(path(name), exist_ok=True)
    file = pathlib.Path(path(name), "shapes.toy")
    file.write_text(PROGRAM.replace("HEIGHT", height)
                    .replace("ROUNDS", str(rounds)))
    return str(file)


def record(name, height, *options, rounds=2000):
    """The profile of the program with these heights."""
    output = path(name + ".vmprof")
    done = vmprof("record", "-q", "-o", output, "--", TOYVM, "-X",
                  "jit-profile-interp", *options, program(name, height, rounds))
    assert done.returncode == 0, done.stderr
    return output


def sites(file, function):
    """By line and opcode."""
    (found,) = [f for f in json.loads(text("types", "--json", file))[
        "functions"] if f.get("function") == function]
    return {(row["line"], row["opcode_name"]): row for row in found["sites"]
            if row["kind"] != "untyped"}


class ToyVM(unittest.TestCase):
    def test_every_multiplication_is_counted_with_its_types(self):
        row = sites(record("ints", "i"), "area")[2, "MULTIPLY"]
        self.assertEqual((row["kind"], row["hits"], row["bytecodes"]),
                         ("monomorphic", 2000, 2000))
        self.assertEqual([t["types"] for t in row["tuples"]], [["int", "int"]])

    def test_a_diff_finds_what_became_polymorphic(self):
        before = record("ints", "i")
        after = record("mixed", "if_even(i)")
        found = json.loads(text("diff", "--json", "-f", "area", before, after))
        (change,) = [c for c in found["changes"]
                     if c["after"].get("opcode_name") == "MULTIPLY"]
        self.assertEqual(change["change"], "more")
        self.assertEqual(
            sorted((t["types"], t["hits"])
                   for t in change["after"]["tuples"]),
            [(["int", "float"], 1000), (["int", "int"], 1000)])
        self.assertIn("MULTIPLY at", text("diff", before, after))

    def test_the_same_program_twice_is_the_same(self):
        before, after = record("one", "i"), record("two", "i")
        summary = json.loads(text("diff", "--json", before, after))["summary"]
        self.assertGreater(summary.pop("same"), 3)
        self.assertEqual(set(summary.values()), {0}, summary)

    def test_a_period_scales_the_hits(self):
        file = record("scaled", "i", "-X", "jit-profile-interp-period=7",
                      "-X", "jit-profile-interp-jitter")
        sums = json.loads(text("types", "--json", file))["summary"]
        self.assertLess(sums["hits"], sums["bytecodes"] / 6)
        everything = json.loads(text("types", "--json", record("all", "i")))
        self.assertAlmostEqual(
            sums["bytecodes"] / everything["summary"]["bytecodes"], 1,
            delta=0.01)

    def test_types_stand_beside_the_source(self):
        file = record("beside", "i")
        shown = text("types", "--annotate", path("beside/shapes.toy"), file)
        (line,) = [row for row in shown.splitlines() if "shape.width" in row]
        self.assertRegex(line, r" 2  +return shape.width \* shape.height  ")
        self.assertIn("MULTIPLY mono  (int, int) 100%", shown)

    def test_the_flame_graph_has_them(self):
        # Half a second, of which area() has a sample by all means.
        file = record("page", "i", rounds=300000)
        text("flamegraph", "-o", path("page.html"), file)
        page = pathlib.Path(path("page.html")).read_text(encoding="utf-8")
        data = page.split('type="application/json">')[1].split("</script>")[0]
        data = json.loads(data)
        named = {data["functions"][number][0]: rows
                 for number, rows in data["types"]}
        self.assertIn([2, "MULTIPLY", "monomorphic", 300000,
                       [[["int", "int"], 100.0]], 0.0], named["area"])


if __name__ == "__main__":
    tap.main()
