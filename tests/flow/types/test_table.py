#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof types: what it counts, how it calls sites, and what it prints."""

import json
import unittest

from common import (ADD, FLOAT, INT, STR, info, kind, one_site, path, profile,
                    site, sites, tap, text, types, vmprof, vmprof_file, write)

DEMO = vmprof_file.types_demo().bytes()


def lines(*options, data=DEMO):
    return text("types", *options, write(data)).splitlines()


class Counts(unittest.TestCase):
    def test_every_figure_of_a_site_is_there(self):
        rows = {row.get("offset"): row
                for row in sites(DEMO, "--function", "work")}
        self.assertEqual(rows[5], {
            "kind": "polymorphic", "line": 11, "offset": 5, "opcode": 1,
            "opcode_name": "ADD", "bytecodes": 100000, "hits": 1000,
            "typed": 1000, "other": 0, "untyped": 0, "tuples": [
                {"types": ["int", "int"], "hits": 812, "percent": 81.2},
                {"types": ["float", "int"], "hits": 188, "percent": 18.8}]})
        self.assertEqual(
            {offset: row["kind"] for offset, row in rows.items()},
            {2: "monomorphic", 5: "polymorphic", 6: "megamorphic",
             8: "untyped", 9: "unseen"})
        self.assertEqual(rows[6]["tuples"][0]["types"], ["int", "<NULL>"])

    def test_the_summary_adds_up(self):
        summary = types(DEMO)["summary"]
        self.assertEqual(summary["hits"], summary["typed"] + summary["other"] +
                         summary["untyped"] + summary["unplaced"])
        self.assertEqual(
            (summary["hits"], summary["bytecodes"], summary["unplaced"],
             summary["rows"]), (1923, 192300, 12, 8))
        self.assertEqual(sum(f["hits"] for f in types(DEMO)["functions"]),
                         1923)

    def test_readouts_are_told_and_their_hits_added(self):
        data = profile([site(2, (5, 1), 11, ADD, 7, tuples=[((INT,), 3)])],
                       [site(2, (5, 1), 11, ADD, 7, untyped=1, other=2,
                             tuples=[((INT,), 4), ((STR,), 5)])], period=9)
        (row,) = sites(data)
        self.assertEqual((row["hits"], row["other"], row["untyped"]),
                         (15, 2, 1))
        self.assertEqual([(t["types"], t["hits"]) for t in row["tuples"]],
                         [(["int"], 7), (["str"], 5)])
        self.assertEqual(
            types(data)["readouts"],
            [{"session": 0, "from_ns": 100000 * i, "time_ns": 100000 * i +
              100000, "period": 9, "jitter": False} for i in range(2)])

    def test_a_readout_in_several_chunks_is_one(self):
        s = vmprof_file.types_demo()
        s.sites([site(1, (1, 1), untyped=1)], time=2050, since=20, period=100,
                jitter=True)
        self.assertEqual(len(types(s.bytes())["readouts"]), 1)

    def test_processes_share_their_codes_and_types(self):
        first = profile([site(2, (5, 1), 11, 4, 7, tuples=[((1, 2), 3)])])
        second = profile([site(9, (5, 1), 11, 2, 7, tuples=[((3, 1), 4)])],
                         words=["float", "ADD", "int"], ident=5,
                         codes=[(9, "toy:work:10:demo.toy")])
        (row,) = sites(first + second)
        self.assertEqual([(t["types"], t["hits"]) for t in row["tuples"]],
                         [(["int", "float"], 7)])

    def test_codes_of_one_name_and_other_content_are_apart(self):
        data = profile([site(2, (5, 1), 11, ADD, code, tuples=[((INT,), code)])
                        for code in (7, 8)])
        self.assertEqual([(f["code_hash"], f["hits"])
                          for f in types(data)["functions"]],
                         [(8, 8), (7, 7)])
        titles = [line for line in lines(data=data) if "demo.toy" in line]
        self.assertEqual([t.split("  ")[0] for t in titles],
                         ["work (demo.toy:10), code 8",
                          "work (demo.toy:10), code 7"])

    def test_opcodes_that_were_patched_in_place_are_apart(self):
        data = profile([site(2, (5, op), 11, None, 7, tuples=[((INT,), op)])
                        for op in (1, 2)])
        self.assertEqual(sorted(row["opcode"] for row in sites(data)), [1, 2])

    def test_sums_at_the_end_of_the_range_stay_there(self):
        big = 2 ** 64 - 1
        s = vmprof_file.Session()
        s.codes([(2, "toy:work:10:demo.toy")])
        s.words(1, ["int"])
        row = (b"\2\1\5\1" + vmprof_file.varint(big) * 3 + b"\1\1\1" +
               vmprof_file.varint(big))
        for number in range(2):
            s.sites([row], time=number)
        (found,) = sites(s.bytes())
        self.assertEqual({found[key] for key in (
            "hits", "untyped", "other", "typed", "bytecodes")}, {big})
        text("types", write(s.bytes()))
        text("types", "--ndjson", write(s.bytes()))


class Kinds(unittest.TestCase):
    def test_one_tuple_is_monomorphic_and_a_few_are_polymorphic(self):
        words = [((i,), 10) for i in range(1, 7)]
        names = ["a", "b", "c", "d", "e", "f"]
        for count, wanted in ((1, "monomorphic"), (2, "polymorphic"),
                              (4, "polymorphic"), (5, "megamorphic")):
            data = profile([site(2, (5, 1), tuples=words[:count])],
                           words=names)
            self.assertEqual(kind(data), wanted, count)
        self.assertEqual(kind(data, "--poly", "5"), "polymorphic")
        self.assertEqual(kind(data, "--poly", "1"), "megamorphic")

    def test_tuples_below_the_least_share_do_not_count(self):
        data = one_site([((INT,), 990), ((STR,), 10)])
        self.assertEqual(kind(data), "polymorphic")
        self.assertEqual(kind(data, "--min-percent", "1.1"), "monomorphic")
        data = one_site([((INT,), 991), ((STR,), 9)])
        self.assertEqual(kind(data), "monomorphic")
        self.assertEqual(kind(data, "--min-percent", "0"), "polymorphic")

    def test_what_found_no_room_makes_a_site_megamorphic(self):
        tuples = [((INT,), 99)]
        self.assertEqual(kind(one_site(tuples, other=1)), "megamorphic")
        self.assertEqual(kind(one_site([((INT,), 999)], other=1)),
                         "monomorphic")

    def test_hits_without_types_do_not_count_for_shares(self):
        data = one_site([((INT,), 9), ((STR,), 1)], untyped=9990)
        self.assertEqual(kind(data, "--min-percent", "10"), "polymorphic")
        self.assertIn("(99.9% of the hits had no types)",
                      "\n".join(lines(data=data)))

    def test_many_small_tuples_are_megamorphic(self):
        data = profile([site(2, (5, 1), tuples=[
            ((i,), 1) for i in range(1, 65)])],
            words=[f"t{i}" for i in range(64)])
        self.assertEqual(kind(data, "--min-percent", "2"), "megamorphic")


class Table(unittest.TestCase):
    def test_a_period_that_loops_may_be_in_step_with_is_told(self):
        for period, jitter, told in ((9, False, True), (9, True, False),
                                     (1, False, False)):
            data = profile([site(2, (5, 1), 11, ADD, 7, untyped=1)],
                           period=period, jitter=jitter)
            self.assertEqual(any("in step with it" in line
                                 for line in lines(data=data)), told)

    def test_it_reads_like_this(self):
        self.assertEqual(lines()[2:], [
            "Read out  1 time, period 100 with jitter",
            "Hits      1,923, which stand for 192,300 bytecodes: 83.7% with "
            "types (1.0% in <other>), 15.7% without, 0.6% without a place",
            "Sites     2 monomorphic, 1 polymorphic, 1 megamorphic, "
            "1 untyped, 1 unseen",
            "",
            "  Line  Offset  Opcode  Bytecodes   Hits  Kind    Types",
            "",
            "work (demo.toy:10)  190,000 bytecodes, 98.8%",
            "    11       5  ADD       100,000  1,000  poly    "
            "(int, int) 81.2%  (float, int) 18.8%",
            "    11       2  LOAD       50,000    500  mono    Point 100%",
            "    12       6  ADD        10,000    100  mega    "
            "(int, <NULL>) 40.0%  (str, str) 20.0%  (float, float) 10.0%  "
            "(list, list) 10.0%  <other> 20.0%",
            "    13       9  CALL            0      0  unseen",
            "        and 30,000 bytecodes at 1 site without types",
            "",
            "leaf (lib:one.toy:20)  1,600 bytecodes, 0.8%",
            "             4  <7>         1,100     11  mono    "
            "int 100%  (9.1% of the hits had no types)",
            "        and 500 bytecodes whose place is not known",
            "",
            "[any code]  700 bytecodes, 0.4%",
            "        and 700 bytecodes whose place is not known"])

    def test_without_a_period_there_is_one_figure(self):
        shown = "\n".join(lines(data=one_site([((INT, FLOAT), 7)])))
        self.assertIn("Hits      7: 100.0% with types", shown)
        self.assertIn("    11       5  ADD             7  mono    "
                      "(int, float) 100%", shown)

    def opcodes(self, *options):
        found = [line.split()[:4] for line in lines(*options)]
        return [row[2] for row in found
                if len(row) > 3 and row[0].isdigit() and row[1].isdigit()]

    def test_sites_can_be_sorted(self):
        work = ["--function", "work"]
        self.assertEqual(self.opcodes(*work), ["ADD", "LOAD", "ADD", "CALL"])
        self.assertEqual(self.opcodes("-s", "line", *work),
                         ["LOAD", "ADD", "ADD", "CALL"])
        self.assertEqual(self.opcodes("-s", "kind", *work),
                         ["ADD", "ADD", "LOAD", "CALL"])
        order = [row["offset"] for row in sites(DEMO, "-s", "kind", *work)]
        self.assertEqual(order, [6, 5, 2, 8, 9])

    def test_functions_can_be_sorted(self):
        def order(*options):
            return [f.get("function") for f in
                    types(DEMO, *options)["functions"]]

        self.assertEqual(order(), ["work", "leaf", None])
        self.assertEqual(order("-s", "line"), [None, "work", "leaf"])

    def test_kinds_can_be_chosen(self):
        self.assertEqual(self.opcodes("--kind", "poly,megamorphic"),
                         ["ADD", "ADD"])
        self.assertEqual(self.opcodes("-k", "none"), ["JUMP"])
        shown = lines("-k", "poly")
        self.assertFalse([line for line in shown if "leaf" in line])
        self.assertEqual({row["kind"] for row in sites(DEMO, "-k", "unseen")},
                         {"unseen"})

    def test_a_pattern_chooses_functions(self):
        names = [f["function"] for f in
                 types(DEMO, "-f", "[lw]*")["functions"]]
        self.assertEqual(names, ["work", "leaf"])
        self.assertIn("No function fits what was asked for.",
                      lines("-f", "nothing"))

    def test_a_limit_says_what_it_leaves_out(self):
        shown = lines("-n", "2")
        self.assertIn("        and 2 more sites; --limit 0 shows all", shown)
        self.assertEqual(shown[-1],
                         "and 2 more functions; --limit 0 shows all")
        self.assertEqual(lines("-n", "0"), lines())

    def test_names_do_not_act_on_a_terminal(self):
        evil = "a\x1b[2J\u202eb\xff".encode("latin-1", "ignore") + b"\xff"
        data = profile([site(2, (5, 1), 11, 2, 7, tuples=[((1, 1), 1)])],
                       words=[evil, evil],
                       codes=[(2, b"toy:" + evil + b":1:f")])
        for options in ([], ["--json"], ["--ndjson"]):
            shown = vmprof("types", *options, write(data)).stdout
            self.assertNotIn(b"\x1b", shown)
            shown.decode()
        self.assertEqual(sites(data)[0]["opcode_name"][:6], "a\x1b[2Jb")

    def test_info_counts_rows(self):
        counts = info(DEMO)["counts"]
        self.assertEqual([counts[key] for key in (
            "readouts", "type_rows", "type_sites")], [1, 8, 8])
        shown = text("info", write(DEMO))
        self.assertRegex(shown, r"(?m)^Type rows +8$")
        self.assertNotIn("Type rows",
                         text("info", write(vmprof_file.demo().bytes())))

    def test_a_report_of_time_is_as_without_types(self):
        with_types = json.loads(text("report", "--json", write(DEMO)))
        without = json.loads(text("report", "--json",
                                  write(vmprof_file.demo().bytes())))
        for key in ("functions", "tree", "losses"):
            self.assertEqual(with_types[key], without[key])


class Errors(unittest.TestCase):
    def expect(self, status, wanted, *arguments):
        done = vmprof(*arguments)
        self.assertEqual((done.returncode, done.stdout), (status, b""),
                         done.stderr)
        self.assertIn(wanted, done.stderr.decode())

    def test_a_file_without_types_is_told(self):
        self.expect(1, "has no type rows", "types",
                    write(vmprof_file.demo().bytes()))
        self.expect(1, "does not exist", "types", path("missing"))

    def test_wrong_usage_is_told(self):
        for wanted, *options in (
                ("--sort is hits, line or kind", "-s", "size"),
                ("--kind is mono", "-k", "poly,all,few"),
                ("--min-percent is from 0 to 100", "--min-percent", "101"),
                ("--poly is a number from 1", "--poly", "0"),
                ("--limit is a number from 0", "--limit", "-1"),
                ("only one of", "--json", "--ndjson"),
                ("--source-name needs --annotate", "--source-name", "x"),
                ("--kind is not for --ndjson", "--ndjson", "-k", "poly"),
                ("need --ndjson", "--host", "h"),
                ("see vmprof types --help", "--nonsense")):
            with self.subTest(wanted):
                self.expect(2, wanted, "types", *options, "x.vmprof")
        self.expect(2, "FILE is missing", "types")

    def test_help_is_printed(self):
        self.assertIn("Usage: vmprof types", text("types", "--help"))
        self.assertIn("Usage: vmprof diff", text("diff", "--help"))


if __name__ == "__main__":
    tap.main()
