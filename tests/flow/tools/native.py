#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Machine code, and time that no VM was asked about, in what the command says
of files whose modules are not there."""

import gzip
import json
import pathlib
import sys
import unittest

import vmprof_file
from command import by_name, info, path, report, tap, text, vmprof, write

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "golden"))

import read_golden  # noqa: E402

DEMO = vmprof_file.native_demo().bytes()


def sums(row):
    return row["self_ns"], row["total_ns"], row["samples"]


def converted(form, *options):
    """What convert writes of the demo, as bytes."""
    text("convert", "--to", form, "-o", path("out"), *options, write(DEMO))
    return pathlib.Path(path("out")).read_bytes()


class Reports(unittest.TestCase):
    def test_frames_that_no_vm_entered_have_their_time(self):
        rows = by_name(report(DEMO)["functions"])
        self.assertEqual({name: sums(row) for name, row in rows.items()}, {
            "libdemo.so+0x1234": (0, 1000000, 0),
            "main": (100000, 1000000, 1),
            "libdemo.so+0x1300": (0, 900000, 0),
            "work": (200000, 900000, 1),
            "[vdso]+0x500": (50000, 50000, 1),
            "0x7f00aa00": (500000, 500000, 1),
            "[system calls]": (70000, 70000, 1),
            "[no poll]": (80000, 80000, 1)})

    def test_the_independent_reader_finds_the_same(self):
        reader = read_golden.Reader()
        reader.read(DEMO)
        rows = {read_golden.full_name(row): list(sums(row))
                for row in report(DEMO)["functions"]}
        self.assertEqual(rows, reader.functions())
        self.assertIn("module 1 path='/nowhere/libdemo.so' build id='1200ff' "
                      "start=139637976731648 size=8192 offset=4096 "
                      "bias=139637976727552", reader.lines)

    def test_rows_say_that_they_are_native_and_where_from(self):
        rows = by_name(report(DEMO)["functions"])
        self.assertEqual(rows["libdemo.so+0x1234"]["language"], "native")
        self.assertEqual(rows["libdemo.so+0x1234"]["module"],
                         "/nowhere/libdemo.so")
        self.assertNotIn("module", rows["main"])

    def test_counts_are_told_where_there_are_any(self):
        shown = text("report", write(DEMO))
        for line in ("1 samples taken at polls",
                     "1 samples late, as their signal was blocked",
                     "7 ticks fell into system calls",
                     "5 times a timer was refused at first",
                     "3 samples lack outer machine code: more was on the "
                     "stack than was copied",
                     "2 samples lack outer machine code: it could not be "
                     "unwound"):
            self.assertRegex(shown, rf"(?m)^ +{line}$")
        shown = text("report", write(vmprof_file.demo().bytes()))
        for word in ("polls", "late", "ticks", "refused", "machine code"):
            self.assertNotIn(word, shown)

    def test_counts_are_in_json(self):
        losses = info(DEMO)["losses"]
        self.assertEqual(
            [losses[key] for key in (
                "polled", "held_back", "system_ticks", "native_cut",
                "native_failed", "clock_retries")], [1, 1, 7, 3, 2, 5])

    def test_without_native_code_its_time_is_its_vm_frame_s(self):
        shown = json.loads(text("report", "--json", "--no-native",
                                write(DEMO)))
        rows = {name: sums(row)
                for name, row in by_name(shown["functions"]).items()}
        self.assertEqual(rows, {
            "main": (100000, 1000000, 1), "work": (750000, 900000, 3),
            "[system calls]": (70000, 70000, 1),
            "[no poll]": (80000, 80000, 1)})
        self.assertEqual(vmprof("report", "--no-native", write(DEMO)).stderr,
                         b"")

    def test_info_lists_modules(self):
        shown = text("info", write(DEMO))
        self.assertRegex(shown, r"(?m)^Modules +2$")
        self.assertRegex(shown, r"(?m)^  1200ff +/nowhere/libdemo\.so$")
        self.assertRegex(shown, r"(?m)^  no build id +\[vdso\]$")
        self.assertEqual(info(DEMO)["modules"][0], {
            "session": 0, "path": "/nowhere/libdemo.so", "build_id": "1200ff",
            "start": 0x7f0000001000, "size": 0x2000, "offset": 0x1000,
            "bias": 0x7f0000000000})

    def test_missing_files_are_told_on_the_side(self):
        said = vmprof("report", write(DEMO)).stderr.decode()
        self.assertIn("no names from /nowhere/libdemo.so", said)
        self.assertNotIn(b"no names",
                         vmprof("info", write(DEMO)).stderr)

    def test_a_path_cannot_act_on_the_terminal(self):
        data = vmprof_file.native_demo(path="/\x1b[31m\n\xff").bytes()
        done = vmprof("report", write(data))
        for out in done.stdout, done.stderr:
            self.assertNotIn(b"\x1b", out)
        self.assertIn(rb"/\x1B[31m\x0A", done.stderr)
        self.assertNotIn("\x1b", text("info", write(data)))

    def test_no_more_files_are_named_than_can_be_read(self):
        s = vmprof_file.Session()
        s.modules(1, [{"path": f"/nowhere/{i}"} for i in range(100)])
        s.addresses(1, [(i + 1, 1) for i in range(100)])
        s.nodes(1, [(0, i + 1) for i in range(100)])
        s.thread(0)
        s.samples(0, [(i + 1, 1, 1) for i in range(100)])
        said = vmprof("report", write(s.bytes())).stderr.decode()
        self.assertEqual(said.count("\n"), 9, said)
        self.assertIn("nor from 92 more files", said)
        shown = text("info", write(s.bytes()))
        self.assertIn("and 36 more; --json shows all", shown)


class Exports(unittest.TestCase):
    def test_collapsed_stacks_hold_it(self):
        lines = converted("collapsed", "--value", "samples").decode()
        self.assertIn("libdemo.so+0x1234;main;libdemo.so+0x1300;work;"
                      "0x7f00aa00 1\n", lines)
        self.assertIn("work;[system calls] 1\n", lines)
        lines = converted("collapsed", "--value", "samples",
                          "--no-native").decode()
        self.assertEqual(lines, "main 1\nmain;work 3\n"
                         "main;work;[system calls] 1\n"
                         "main;work;[no poll] 1\n")

    def test_speedscope_has_the_module_as_the_file(self):
        frames = json.loads(converted("speedscope"))["shared"]["frames"]
        self.assertIn({"name": "libdemo.so+0x1300",
                       "file": "/nowhere/libdemo.so"}, frames)

    def test_pprof_has_addresses_and_mappings(self):
        sys.path.append(str(pathlib.Path(__file__).parents[1] / "export"))
        import pprof
        out = pathlib.Path(path("out.pb.gz"))
        out.write_bytes(converted("pprof"))
        read = pprof.Pprof(out)
        found = {}
        for location in read.locations.values():
            mapping = read.mappings[pprof.number(location, 2)]
            found[pprof.number(location, 3)] = (
                read.string(mapping, 5), read.string(mapping, 6),
                pprof.number(mapping, 2), pprof.number(mapping, 3),
                pprof.number(mapping, 4))
        self.assertEqual(found[0x7f0000001234],
                         ("/nowhere/libdemo.so", "1200ff", 0x7f0000001000,
                          0x7f0000003000, 0x1000))
        self.assertEqual(found[0x7f0000100500][0], "[vdso]")
        self.assertEqual(found[0][0], "demo")

    def test_the_flame_graph_tells_kinds_apart(self):
        text("flamegraph", "-o", path("out.html"), write(DEMO))
        page = pathlib.Path(path("out.html")).read_text()
        data = json.loads(page.split('type="application/json">')[1]
                          .split("</script>")[0])
        kinds = {data["functions"][label >> 5][0]: label & 31
                 for label in data["labels"] if label & 31 < 16}
        kinds.pop("[unknown]")
        self.assertEqual(kinds, {
            "main": 1, "work": 1, "[system calls]": 8, "[no poll]": 9,
            "libdemo.so+0x1234": 10, "libdemo.so+0x1300": 10,
            "[vdso]+0x500": 10, "0x7f00aa00": 10})
        self.assertIn(["libdemo.so+0x1234", "", 0, "/nowhere/libdemo.so"],
                      data["functions"])


class Hostile(unittest.TestCase):
    def rows(self, session):
        return by_name(report(session.bytes())["functions"])

    def start(self, modules, addresses):
        s = vmprof_file.Session()
        if modules is not None:
            s.put(vmprof_file.MODULES, modules)
        s.addresses(1, addresses)
        s.nodes(1, [(0, i + 1) for i in range(len(addresses))])
        s.thread(0)
        s.samples(0, [(i + 1, 1, 1) for i in range(len(addresses))])
        return s

    def test_a_module_that_is_lost_leaves_an_unknown_stack(self):
        for modules in None, b"", b"\0\1\0", vmprof_file.varint(2 ** 63) * 2:
            rows = self.rows(self.start(modules, [(1, 5), (2 ** 64 - 1, 6),
                                                  (0, 7)]))
            self.assertEqual(rows["[unknown]"]["samples"], 2)
            self.assertEqual(rows["0x7"]["samples"], 1)

    def test_counts_and_lengths_that_lie_take_no_memory(self):
        v = vmprof_file.varint
        for modules in (v(1) + v(2 ** 64 - 1), v(1) + v(1) + v(2 ** 60),
                        v(1) + v(1) + v(3) + v(3) + v(2 ** 63),
                        v(1) + v(2 ** 40) + v(0)):
            s = self.start(modules, [(0, 7)])
            result = report(s.bytes())
            self.assertGreater(result["damage"]["bytes_unread"], 0)
            self.assertIn("0x7", by_name(result["functions"]))

    def test_address_0_of_no_module_is_unknown(self):
        rows = self.rows(self.start(None, [(0, 0), (0, 7)]))
        self.assertEqual(rows["[unknown]"]["samples"], 1)
        self.assertEqual(rows["0x7"]["samples"], 1)

    def test_fields_of_modules_may_hold_anything(self):
        s = vmprof_file.Session()
        s.modules(1, [{"path": b"/a\0b", "build_id": b"x" * 5000,
                       "start": 2 ** 64 - 1, "size": 2 ** 64 - 1,
                       "offset": 2 ** 64 - 1, "bias": 2 ** 64 - 1}, {}])
        s.addresses(1, [(1, 2 ** 64 - 1), (2, 0)])
        s.nodes(1, [(0, 1), (1, 2)])
        s.thread(0)
        s.samples(0, [(2, 1, 1)])
        rows = self.rows(s)
        self.assertIn("a?b+0xffffffffffffffff", rows)
        self.assertIn("0x0", rows)
        text("convert", "--to", "pprof", "-o", path("out"), write(s.bytes()))
        self.assertTrue(gzip.decompress(
            pathlib.Path(path("out")).read_bytes()))


if __name__ == "__main__":
    tap.main()
