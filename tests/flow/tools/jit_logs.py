#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof jit on PYPYLOGs and jitlogs, alone and beside a profile.

With VMPROF_TEST_SAMPLES set, also on pypylog/*.log and jitlog/*.jitlog below
that directory."""

import glob
import gzip
import json
import os
import re
import unittest

from command import path, tap, text, vmprof, write
from jit_command import NO_DAMAGE, damage, events, jit, traces
from jit_files import (BRIDGE, CODE, ENTRY, LOOP, PLAN, Jitlog, enter, jitlog,
                       leave, pypylog, section)
from vmprof_log import ASSEMBLER, CODE as FRAME, JITTED, NATIVE, Log
from vmprof_log import NATIVE_NAME
import vmprof_file

SAMPLES = os.environ.get("VMPROF_TEST_SAMPLES")


class Plan(unittest.TestCase):
    def check(self, data):
        result = jit(data)
        found = traces(result)
        self.assertEqual(events(found["loop1"]), (0x100, 1))
        self.assertEqual(events(found["loop0"]), (0x300, 1))
        self.assertEqual(result["events"]["interpreter"], 0)
        self.assertEqual(result["damage"], NO_DAMAGE)
        self.assertEqual([(t["from"], t["to"], t["count"])
                          for t in result["transitions"]],
                         [(0, 1, 1), (1, 2, 1), (2, 0, 1)])

    def test_the_example_has_100_ticks_in_the_bridge_and_300_in_the_loop(self):
        self.check(PLAN)
        for inner in ("count", "ignore", "each"):
            for calls in ("caller", "nest"):
                found = traces(jit(PLAN, "--inner", inner, "--calls", calls))
                self.assertEqual(events(found["loop0"]), (0x300, 1))

    def test_the_example_comes_out_byte_for_byte(self):
        source = write(PLAN, "plan.log")
        out = path("out.log")
        self.assertEqual(vmprof("convert", source, "--to", "pypylog", "-o",
                                out).returncode, 0)
        with open(out, "rb") as file:
            self.assertEqual(file.read(), PLAN)
        done = vmprof("convert", "-", "--to", "pypylog", "-o", "-", stdin=PLAN)
        self.assertEqual((done.returncode, done.stdout), (0, PLAN))

    def test_the_example_comes_out_of_a_profiles_events(self):
        session = vmprof_file.Session(7)
        session.traces(*(vmprof_file.trace(number, name=name, kind=kind)
                         for number, name, kind in (
                             (1, "loop1", vmprof_file.ENTRY_BRIDGE),
                             (2, "loop0", vmprof_file.LOOP))))
        session.thread(0, "main", 100)
        session.events(0, [(0x100, vmprof_file.EDGE_ENTER, 1),
                           (0x200, vmprof_file.EDGE_JUMP, 2),
                           (0x500, vmprof_file.EDGE_EXIT, 2)],
                       [(0, 0, 0), (0x600, 0x600, 0x600)])
        session.end(0x600)
        source = write(session.bytes(), "plan.vmprof")
        plain = re.sub(rb" +#.*", b"", PLAN)
        done = vmprof("convert", source, "--to", "pypylog", "-o", "-")
        self.assertEqual((done.returncode, done.stdout), (0, plain))
        again = traces(jit(plain))
        self.assertEqual(events(again["loop1"]), (0x100, 1))
        self.assertEqual(events(again["loop0"]), (0x300, 1))

    def test_events_of_other_threads_and_of_calls_are_left_out(self):
        session = vmprof_file.Session(7)
        session.traces(vmprof_file.trace(1, name="a", kind=vmprof_file.LOOP))
        marks = [(0, 0, 0), (0x600, 0x600, 0x600)]
        for thread in range(2):
            session.thread(thread, "t", 100 + thread)
            session.events(thread, [(0x100, vmprof_file.EDGE_ENTER, 1),
                                    (0x110, vmprof_file.EDGE_CALL, 1),
                                    (0x120, vmprof_file.EDGE_ENTER, 1),
                                    (0x130, vmprof_file.EDGE_EXIT, 1),
                                    (0x140, vmprof_file.EDGE_RETURN, 1),
                                    (0x150, vmprof_file.EDGE_EXIT, 1)], marks)
        session.end(0x600)
        done = vmprof("convert", write(session.bytes()), "--to", "pypylog",
                      "-o", "-")
        self.assertEqual(done.stdout.decode(),
                         enter("a", 0x100) + leave("a", 0x150))
        self.assertRegex(done.stderr.decode(), r": \d+ events of other threads")
        self.assertRegex(done.stderr.decode(), r": 3 events in what a trace")

    def test_what_is_between_its_sections_does_not_matter(self):
        other = section("gc-minor", 0x110, 0x120, "anything", "at all")
        marked = PLAN.decode().replace("[200]", "...\n" + other + "[200]", 1)
        self.check(marked)
        done = vmprof("convert", write(marked.encode()), "--to", "pypylog",
                      "-o", "-")
        self.assertEqual(done.stdout, PLAN)

    def test_colours_and_carriage_returns_are_no_part_of_it(self):
        self.check(PLAN.replace(b"\n", b"\r\n"))
        lines = PLAN.decode().splitlines()
        coloured = ""
        for line in lines:
            if line.startswith("[") and line.endswith("}"):
                coloured += "\033[31m" + line + "\n\033[0m"
            elif line.startswith("["):
                coloured += "\033[1m\033[31m" + line + "\n\033[0m"
            else:
                coloured += line + "\n"
        self.check(coloured)
        done = vmprof("convert", write(coloured.encode()), "--to", "pypylog",
                      "-o", "-")
        self.assertEqual(done.stdout, PLAN)

    def test_packed_and_piped_it_is_the_same(self):
        self.check(gzip.compress(PLAN))
        done = vmprof("jit", "--json", "--pypylog", "-", stdin=PLAN)
        self.assertEqual(json.loads(done.stdout)["events"]["time"], 0x400)

    def test_each_figure_in_the_table_says_what_it_is_from(self):
        shown = text("jit", write(PLAN)).splitlines()
        at = next(i for i, line in enumerate(shown) if line.endswith("Trace"))
        columns = shown[at].split("#")[0].replace("Per entry", "PerEntry")
        self.assertEqual(len(shown[at + 1].split()), len(columns.split()))
        self.assertEqual(set(shown[at + 1].split()), {"events"})
        self.assertIn(" 75.00%    768    768       1       768     2  loop0, "
                      "trace", " " + shown[at + 2])


class Described(unittest.TestCase):
    """The same program as a PYPYLOG and as a jitlog."""

    def check(self, result, loop, entry, bridge):
        self.assertEqual(result["damage"], NO_DAMAGE)
        self.assertEqual(result["machine"], "x86_64")
        found = traces(result)
        self.assertEqual((loop["kind"], entry["kind"], bridge["kind"]),
                         ("loop", "entry bridge", "bridge"))
        self.assertEqual((loop["end"], entry["end"], bridge["end"]),
                         ("loop", "return", "jump"))
        self.assertEqual((bridge["root"], bridge["parent"], bridge["into"]),
                         (loop["number"],) * 3)
        self.assertEqual(loop["figures"]["counts"],
                         {"entries": 10, "rounds": 12345})
        self.assertEqual(entry["figures"]["counts"], {"entries": 3})
        self.assertEqual(bridge["figures"]["counts"], {"entries": 99})
        self.assertEqual((loop["code_start"], entry["code_start"],
                          bridge["code_start"]), (0x1000, 0x2000, 0x3000))
        self.assertEqual((loop["function"], loop["file"], loop["line"],
                          loop["bytecode"], loop["opcode"]),
                         ("f", "a.py", 2, 6, "FOR_ITER"))
        self.assertEqual(bridge["line"], 7)
        guard = next(o for o in loop["operations"] if "guard" in o)
        self.assertEqual((guard["guard"], guard["bridge"], guard["offset"],
                          guard["size"], guard["line"], guard["file"]),
                         (0xb0, bridge["number"], 10, 3, 2, "a.py"))
        self.assertTrue(guard["text"].endswith(
            "guard_true(i1, descr=<Guard0xb0>) [p0, i1]"), guard)
        added = next(o for o in loop["operations"] if "int_add" in o["text"])
        self.assertEqual((added["text"], added["function"], added["file"],
                          added["line"], added["opcode"]),
                         ("i2 = int_add(i1, 1)", "h", "b.py", 5,
                          "LOAD_CONST"))
        label = loop["operations"][0]
        self.assertEqual((label["count"], label["offset"], label["size"]),
                         (12345, 8, 2))
        return found

    def test_a_pypylog_says_all_of_it(self):
        result = jit(pypylog())
        found = traces(result)
        self.check(result, found[LOOP], found[ENTRY], found[BRIDGE])
        self.assertEqual(result["format"], "PYPYLOG")
        code = bytes.fromhex(found[LOOP]["code"])
        self.assertEqual(code, CODE[:12] + b"\xff\xee" + CODE[14:])
        self.assertEqual(found[BRIDGE]["code"], CODE.hex())
        self.assertEqual(result["summary"][0],
                         {"name": "Tracing", "count": 3, "time_ns": 40260000})
        self.assertEqual(result["summary"][1],
                         {"name": "TOTAL", "time_ns": 150076000})
        self.assertEqual(result["summary"][2], {"name": "ops", "count": 964})

    def test_a_jitlog_says_all_of_it_with_either_size_of_words(self):
        for address in (8, 4):
            for version in (2, 3, 4):
                with self.subTest(address=address, version=version):
                    result = jit(jitlog(address=address,
                                        version=version).data)
                    number = result["traces"]
                    self.check(result, number[0], number[1], number[2])
                    self.assertEqual(result["format"], f"jitlog {version}")
                    self.assertTrue(number[3]["aborted"])
                    self.assertEqual(number[0]["recorded_operations"], 7)
                    # What is not in the log is 0; an operation has what
                    # it was rewritten to.
                    self.assertEqual(
                        bytes.fromhex(number[0]["code"]),
                        bytes(8) + bytes(range(0x40, 0x4c)) + b"\x4c" * 8)
                    load = number[0]["operations"][2]
                    self.assertEqual((load["text"], load["offset"],
                                      load["size"]),
                                     ("p5 = getfield_gc_r(p0, "
                                      "descr=<Field x 8>)", 13, 1))

    def test_offsets_of_machine_code_go_on_after_64_kb(self):
        log = Jitlog().start(1, b"loop").stage(0x18, 1)
        for number in range(3):
            log.operation("int_add", b"i%d,i0,1" % number)
        log.stage(0x19, 1).addresses(0x10000, 0x50000)
        for number, offset in enumerate((0xfff0, 0x10010, 0x20020)):
            log.operation("int_add", b"i%d,i0,1" % number)
            log.code(offset, b"\x90\x91")
            if offset < 0x20020:
                log.operation("increment_debug_counter", b"?,1")
                log.code(offset | 0xfff2, b"\xcc")
        result = jit(log.data)
        self.assertEqual([o["offset"] for o in
                          result["traces"][0]["operations"]],
                         [0xfff0, 0x10010, 0x20020])

    def test_the_table_folds_bridges_and_shows_them_on_request(self):
        source = write(pypylog().encode())
        folded = text("jit", source)
        self.assertIn("f (a.py:2), loop with 1 bridge", folded)
        self.assertNotIn("bridge from", folded)
        self.assertIn("f (a.py:7), bridge from #1", text("jit", "-b", source))
        self.assertIn("counts", folded)

    def test_one_trace_is_shown_with_lines_offsets_and_ways_out(self):
        shown = text("jit", "--trace", "1", write(pypylog().encode()))
        self.assertIn("32 bytes at 0x1000", shown)
        self.assertRegex(shown, r"\n     10      3  guard_true.*-> #3\n")
        self.assertRegex(shown, r"f \(a\.py:2\) FOR_ITER\n     10 ")
        self.assertRegex(shown, r"h \(b\.py:5\) LOAD_CONST\n     13 ")

    def test_a_jump_is_to_the_label_that_fits_its_operands(self):
        log = pypylog().replace(
            "+8: label(p0, i1, descr=TargetToken(77))",
            "+8: label(p0, descr=TargetToken(77))\n"
            "+9: label(p0, i1, descr=TargetToken(78))").replace(
            "TargetToken(77):12345",
            "TargetToken(77):10\nTargetToken(78):500")
        loop = traces(jit(log))[LOOP]
        self.assertEqual(loop["figures"]["counts"]["rounds"], 500)

    def test_counts_alone_name_traces_by_their_numbers(self):
        result = jit(section("jit-backend-counts", 1, 2, "entry 7:5",
                             "TargetToken(123):9", f"bridge {0xabc}:6"))
        self.assertEqual(result["damage"], NO_DAMAGE)
        found = traces(result)
        self.assertEqual(found["Loop 7"]["figures"]["counts"]["entries"], 5)
        self.assertEqual(found["bridge out of Guard 0xabc"]["figures"]
                         ["counts"]["entries"], 6)

    def test_names_of_older_logs_and_of_other_vms_are_read(self):
        log = section(
            "jit-log-opt-loop", 1, 2, "# Loop 3 (odd) : loop with 1 ops",
            "debug_merge_point(0, '<code object f, file 'x.py', line 3> "
            "#9 LOAD_FAST')", "+4: i1 = int_add(i0, 1)",
            "debug_merge_point(0, 'while i:')", "+8: i2 = int_add(i1, 1)")
        trace = jit(log)["traces"][0]
        self.assertEqual(trace["function"], "odd")
        first, second = trace["operations"]
        self.assertEqual((first["function"], first["file"],
                          first["bytecode"], first["opcode"]),
                         ("f", "x.py", 9, "LOAD_FAST"))
        self.assertEqual(second["function"], "while i:")


class Times(unittest.TestCase):
    def test_sections_inside_are_taken_off(self):
        inner = section("gc-minor", 0x110, 0x130)
        log = ("[100] {jit-tracing\n" + section("jit-backend", 0x108, 0x10c) +
               inner + "[200] jit-tracing}\n")
        result = jit(log)
        found = {s["name"]: (s["total"], s["self"], s["phase"])
                 for s in result["sections"]}
        self.assertEqual(found, {
            "jit-tracing": (0x100, 0x100 - 0x20 - 4, "tracing"),
            "gc-minor": (0x20, 0x20, "gc"),
            "jit-backend": (4, 4, "backend")})
        self.assertIn("tracing", text("jit", write(log.encode())))

    def test_a_section_in_itself_has_its_time_once(self):
        log = ("[0] {gc-minor\n[10] {gc-minor\n[20] gc-minor}\n"
               "[30] gc-minor}\n")
        found = jit(log)["sections"][0]
        self.assertEqual((found["count"], found["total"], found["self"]),
                         (2, 0x30, 0x30))

    def test_inner_bridges_follow_the_policy(self):
        names = pypylog()
        log = names + enter(LOOP, 1000) + enter(BRIDGE, 1010) + enter(
            LOOP, 1014) + enter(BRIDGE, 1020) + enter(
            LOOP, 1025) + leave(LOOP, 1070)
        expected = {"count": ((70, 3), (0, 2)), "ignore": ((70, 1), (0, 0)),
                    "each": ((61, 3), (9, 2))}
        for inner, (loop, bridge) in expected.items():
            found = traces(jit(log, "--inner", inner))
            self.assertEqual(events(found[LOOP]), loop, inner)
            self.assertEqual(events(found[BRIDGE]), bridge, inner)
            self.assertEqual(events(found[LOOP], folded=True), (70, 1), inner)
            self.assertEqual(found[LOOP]["figures"]["counts"]["entries"], 10)

    def test_what_events_take_is_taken_off_and_short_ones_are_marked(self):
        log = enter("a", 0x1000) + enter("b", 0x2000) + leave("b", 0x2004)
        found = traces(jit(log, "--probe", "16"))
        self.assertEqual(events(found["a"]), (0x1000 - 16, 1))
        self.assertFalse(found["a"]["figures"]["events"]["unreliable"])
        self.assertTrue(found["b"]["figures"]["events"]["unreliable"])
        self.assertIn(" 0? ", text("jit", "--probe", "16",
                                   write(log.encode())))

    def test_an_exit_of_another_and_a_step_back_are_counted(self):
        log = enter("a", 100) + leave("b", 90)
        result = jit(log)
        self.assertEqual(result["events"]["mismatches"], 1)
        self.assertEqual(result["events"]["backwards"], 1)
        self.assertEqual(damage(log), {"backwards": 1})


class Joined(unittest.TestCase):
    """Samples of a vmprof log in the traces of either."""

    def profile(self):
        log = Log(vm="toyjit").meta("os", "linux")
        log.name(8, "py:main:1:a.py").name(12, "py:f:1:a.py")
        log.name(16, "py:g:9:a.py").name(0x7001, "n:memcpy:0:-", NATIVE_NAME)
        loop = [ASSEMBLER, 0x1000, JITTED, 12]
        bridge = [ASSEMBLER, 0x3000, JITTED, 12]
        entry = [ASSEMBLER, 0x2000, JITTED, 16]
        outer = [FRAME, 8]
        for stack, count in ((loop + outer, 5), (bridge + outer, 3),
                             (entry + loop + outer, 2), (outer, 4),
                             ([NATIVE, 0x7001] + bridge + outer, 1),
                             ([ASSEMBLER, 0x9000, JITTED, 12] + outer, 2),
                             ([FRAME, 16] + loop + outer, 3)):
            for _ in range(count):
                log.stack(stack)
        return log.end().bytes()

    def sampled(self, trace, folded=False):
        figures = trace["with_bridges" if folded else "figures"]["sampled"]
        return tuple(figures[key] // 10 ** 6
                     for key in ("self_ns", "total_ns", "native_ns"))

    def test_samples_find_their_traces_by_address(self):
        source = write(self.profile(), "a.prof")
        for data, option, name in ((pypylog().encode(), "--pypylog", "a.log"),
                                   (jitlog().data, "--jitlog", "a.jitlog")):
            log = write(data, name)
            result = json.loads(text("jit", "--json", source, option, log))
            found = {t["code_start"]: t for t in result["traces"]}
            self.assertEqual(self.sampled(found[0x1000]), (5, 10, 0))
            self.assertEqual(self.sampled(found[0x3000]), (4, 4, 1))
            self.assertEqual(self.sampled(found[0x2000]), (2, 2, 0))
            self.assertEqual(self.sampled(found[0x1000], True), (9, 14, 1))
            self.assertEqual(found[0x9000]["name"], "trace at 0x9000")
            self.assertEqual(result["sampled"],
                             {"samples": 20, "time_ns": 20 * 10 ** 6,
                              "outside_ns": 7 * 10 ** 6,
                              "unmatched_ns": 2 * 10 ** 6})
            shown = text("jit", source, option, log)
            self.assertIn("65.0% in traces, 35.0% outside", shown)
            self.assertIn("10.0% in machine code that no trace of the log",
                          shown)
            self.assertRegex(shown, r" 45\.00% +9\.00 ms +70\.00% .* f "
                                    r"\(a\.py:2\), loop with 1 bridge\n")

    def test_stock_pypy_is_said_to_have_the_wrong_innermost_trace(self):
        source = write(self.profile().replace(b"\6toyjit", b"\4pypy"),
                       "a.prof")
        log = write(pypylog().encode(), "a.log")
        self.assertIn("out of date", text("jit", source, "--pypylog", log))


@unittest.skipUnless(SAMPLES, "VMPROF_TEST_SAMPLES is not set")
class RealFiles(unittest.TestCase):
    FUNCTIONS = {"spin": 10, "fib": 21, "tree": 31, "count": 36,
                 "__init__": 27}

    def check(self, file):
        result = json.loads(text("jit", "--json", file))
        self.assertEqual(result["damage"], NO_DAMAGE, file)
        loops = [t for t in result["traces"]
                 if t["operations"] and t["root"] == t["number"]]
        for trace in loops:
            self.assertEqual(os.path.basename(trace["file"]), "workload.py")
            self.assertEqual(trace["line"], self.FUNCTIONS[trace["function"]])
            self.assertGreater(trace["figures"]["counts"]["entries"], 100)
        if loops:
            self.assertEqual({t["function"] for t in loops},
                             set(self.FUNCTIONS))
            self.assertGreater(
                next(t for t in loops if t["function"] == "spin")
                ["figures"]["counts"]["rounds"], 10 ** 6)
        return len(loops)

    def test_every_one_is_read_and_names_the_loops_of_the_workload(self):
        logs = glob.glob(f"{SAMPLES}/pypylog/*.log")
        jitlogs = glob.glob(f"{SAMPLES}/jitlog/*.jitlog")
        self.assertTrue(logs and jitlogs)
        found = [self.check(file) for file in logs + jitlogs]
        self.assertEqual(sum(1 for count in found if count), 3)


if __name__ == "__main__":
    tap.main()
