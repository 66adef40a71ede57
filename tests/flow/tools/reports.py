#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What vmprof report and vmprof info say about good files."""

import gzip
import json
import re
import unittest

import vmprof_file
from command import by_name, info, path, report, tap, text, vmprof, write

DEMO = vmprof_file.demo().bytes()


def without_losses():
    s = vmprof_file.demo()
    del s.chunks[-2:]
    s.number -= 2
    s.stats(expirations=6, samples=6)
    return s.chunks


DEMO_WITHOUT_LOSSES = without_losses()


def size_of_chunks(count):
    """Of the first chunks of the demo."""
    return sum(len(part) for part in vmprof_file.demo().chunks[:count])


def numbers(row):
    return row["self_ns"], row["total_ns"], row["samples"]


class Numbers(unittest.TestCase):
    def test_functions_have_the_sums_of_their_samples(self):
        rows = by_name(report(DEMO)["functions"])
        self.assertEqual(numbers(rows["main"]), (100000, 1000000, 1))
        self.assertEqual(numbers(rows["work"]), (600000, 900000, 2))
        self.assertEqual(numbers(rows["leaf"]), (300000, 300000, 3))

    def test_lines_are_those_of_the_frames(self):
        rows = {(r["function"], r.get("line")): numbers(r)
                for r in report(DEMO)["lines"]}
        self.assertEqual(rows[("work", 11)], (400000, 500000, 1))
        self.assertEqual(rows[("work", 12)], (200000, 400000, 1))

    def test_cpu_time_without_a_sample_is_shown(self):
        result = report(DEMO)
        rows = by_name(result["functions"])
        self.assertEqual(rows["[unsampled]"]["self_ns"], 250000)
        self.assertEqual(rows["[unsampled]"]["self_percent"], 20)
        self.assertEqual(result["summary"]["unsampled_ns"], 250000)

    def test_samples_that_stand_for_brief_threads_leave_less_unsampled(self):
        session = vmprof_file.Session()
        session.codes([(1, "a:work:1:f")])
        session.frames(1, [(1, 1)])
        session.nodes(1, [(0, 1)])
        # 200 us each; the second one's sample stands for both.
        session.thread(0, cpu=200, ident=1, end=201)
        session.thread(1, cpu=200, ident=2, end=401)
        session.samples(1, [(1, 350, 350)])
        session.end(500)
        result = report(session.bytes())
        self.assertEqual(result["summary"]["unsampled_ns"], 50000)
        rows = by_name(result["functions"])
        self.assertEqual(rows["work"]["self_percent"], 87.5)

    def test_self_percents_add_up_to_100(self):
        rows = report(DEMO)["functions"]
        self.assertAlmostEqual(sum(r["self_percent"] for r in rows), 100, 2)

    def test_the_tree_adds_up_to_the_functions(self):
        result = report(DEMO)
        sums = {}
        for call in result["tree"]:
            name = result["functions"][call["function"]]["function"]
            sums[name] = sums.get(name, 0) + call["self_ns"]
        self.assertEqual(sums, {r["function"]: r["self_ns"]
                                for r in result["functions"]})

    def test_phases_are_told_apart(self):
        phases = {p["phase"]: p["self_ns"] for p in report(DEMO)["phases"]}
        self.assertEqual(phases, {"interpreting": 700000, "compiled": 300000})

    def test_recursion_counts_once_in_a_total(self):
        s = vmprof_file.Session()
        s.codes([(1, "t:f:1:x"), (2, "t:g:2:x")])
        s.frames(1, [(1, 1, None, None), (2, 1, None, None)])
        s.nodes(1, [(0, 1), (1, 2), (2, 1), (3, 2), (4, 1)])
        s.thread(0)
        s.samples(0, [(5, 10, 10), (4, 10, 10), (1, 10, 10)])
        rows = by_name(report(s.bytes())["functions"])
        self.assertEqual(numbers(rows["f"]), (20000, 30000, 2))
        self.assertEqual(numbers(rows["g"]), (10000, 20000, 1))

    def test_an_empty_stack_is_native_or_off_the_cpu(self):
        s = vmprof_file.Session(mode=1, clock=3)
        s.thread(0)
        s.samples(0, [(0, 5, 5), (0, 1), (0, 7, 7), (0, 8, 8)])
        result = report(s.bytes())
        rows = by_name(result["functions"])
        self.assertEqual(numbers(rows["[native]"]), (5000, 5000, 1))
        self.assertEqual(numbers(rows["[off-CPU]"]), (15000, 15000, 2))
        self.assertEqual(result["summary"]["off_cpu_ns"], 15000)
        self.assertEqual(result["summary"]["mode"], "wall")

    def test_stacks_that_were_cut_say_so(self):
        s = vmprof_file.Session()
        s.codes([(1, "t:f:1:x")])
        s.frames(1, [(1, 1, None, None)])
        s.nodes(1, [(0, 0), (1, 1)])
        s.thread(0)
        s.samples(0, [(2, 10, 10)])
        rows = by_name(report(s.bytes())["functions"])
        self.assertEqual(numbers(rows["[truncated]"]), (0, 10000, 0))

    def test_long_numbers_are_read(self):
        s = vmprof_file.Session()
        s.codes([(2**40, "t:f:4294967295:x")])
        s.frames(1, [(2**40, 7, 2**32 - 1, 2**64 - 1)])
        s.nodes(1, [(0, 1)])
        s.thread(300, ident=2**40)
        s.samples(300, [(1, 2**33, 2**34), (1, 300, 20), (1, 0, 0)])
        result = report(s.bytes())
        row = by_name(result["functions"])["f"]
        self.assertEqual(numbers(row), ((2**34 + 20) * 1000,) * 2 + (3,))
        self.assertEqual(row["line"], 2**32 - 1)
        self.assertEqual(result["threads"][0]["id"], 2**40)

    def test_any_node_index_length_is_read(self):
        count = 20000
        s = vmprof_file.Session()
        s.codes([(1, "t:f:1:x")])
        s.frames(1, [(1, 1, i, None) for i in range(10000)])
        s.frames(10001, [(1, 1, 10000 + i, None) for i in range(10000)])
        s.nodes(1, [(0, 1 + i) for i in range(10000)])
        s.nodes(10001, [(0, 10001 + i) for i in range(10000)])
        s.thread(0)
        for first in range(0, count, 5000):
            s.samples(0, [(1 + i, 3, 1 + i) for i in
                          range(first, first + 5000)])
        result = report(s.bytes())
        self.assertEqual(result["summary"]["samples"], count)
        self.assertEqual(result["summary"]["sampled_ns"],
                         sum(range(1, count + 1)) * 1000)
        self.assertEqual({r["line"]: r["self_ns"] // 1000
                          for r in result["lines"]},
                         {i: i + 1 for i in range(count)})

    def test_a_group_is_as_its_sections(self):
        one, other = report(DEMO), report(
            vmprof_file.grouped(vmprof_file.demo()).bytes())
        for key in "functions", "lines", "tree", "threads", "losses":
            self.assertEqual(one[key], other[key])

    def test_the_time_unit_is_the_file_s(self):
        rows = by_name(report(vmprof_file.demo(unit=10).bytes())["functions"])
        self.assertEqual(rows["main"]["self_ns"], 1000)


class Sessions(unittest.TestCase):
    def test_two_sessions_that_alternate_are_told_apart(self):
        one, two = vmprof_file.demo(1, pid=1), vmprof_file.demo(2, pid=2)
        mixed = b"".join(a + b for a, b in zip(one.chunks, two.chunks))
        result = report(mixed)
        self.assertEqual([s["pid"] for s in result["sessions"]], [1, 2])
        self.assertEqual([t["sampled_ns"] for t in result["threads"]],
                         [1000000, 1000000])
        rows = by_name(result["functions"])
        self.assertEqual(len(rows), 4)
        self.assertEqual(numbers(rows["work"]), (1200000, 1800000, 4))
        self.assertEqual(result["damage"]["bytes_unread"], 0)

    def test_equal_indexes_of_sessions_are_not_mixed_up(self):
        sessions = []
        for ident, name in (1, "a"), (2, "b"):
            s = vmprof_file.Session(ident)
            s.codes([(1, f"t:{name}:1:x")])
            s.frames(1, [(1, 1, None, None)])
            s.nodes(1, [(0, 1)])
            s.samples(0, [(1, 10, 10 * ident)])
            sessions.append(s)
        mixed = b"".join(a + b for a, b in
                         zip(sessions[0].chunks, sessions[1].chunks))
        rows = by_name(report(mixed)["functions"])
        self.assertEqual(rows["a"]["self_ns"], 10000)
        self.assertEqual(rows["b"]["self_ns"], 20000)

    def test_a_file_that_was_joined_to_itself_counts_once(self):
        result = report(DEMO + DEMO)
        self.assertEqual(result["summary"]["samples"], 6)
        self.assertEqual(result["damage"]["bytes_unread"], len(DEMO))


class Counters(unittest.TestCase):
    def test_losses_are_given_by_cause(self):
        losses = report(DEMO)["losses"]
        self.assertEqual((losses["lost"], losses["ring_full"], losses["busy"],
                          losses["stacks_truncated"],
                          losses["frames_truncated"]), (3, 2, 1, 1, 7))

    def test_what_another_sample_stands_for_is_not_lost(self):
        s = vmprof_file.Session()
        s.stats(expirations=6, samples=0, walker=4, overrun=2)
        s.end(0)
        path = write(s.bytes())
        self.assertIn("lost 0, merged 6 (4 into the next one of a walker, "
                      "2 into one that was late), truncated 0",
                      text("report", path))
        losses = json.loads(text("info", "--json", path))["losses"]
        self.assertEqual((losses["lost"], losses["merged"], losses["walker"],
                          losses["overrun"]), (0, 6, 4, 2))

    def test_the_header_says_lost_0_when_nothing_was(self):
        s = vmprof_file.Session()
        s.stats(expirations=0, samples=0)
        s.end(0)
        out = text("report", write(s.bytes()))
        self.assertIn("lost 0, truncated 0", out)
        self.assertNotIn("no samples could be read", out)

    def test_what_a_recording_without_an_end_lost_is_unknown(self):
        for chunks in vmprof_file.demo().chunks[:-2], DEMO_WITHOUT_LOSSES:
            out = text("report", write(b"".join(chunks)))
            self.assertIn("lost unknown (the recording has no end), ", out)
            self.assertNotIn("no samples could be read", out)

    def test_a_file_cut_before_its_samples_says_so(self):
        for command in "report", "info":
            out = text(command, write(DEMO[:size_of_chunks(5)]))
            self.assertIn("no samples could be read", out)

    def test_the_header_says_what_was_lost_and_why(self):
        out = text("report", write(DEMO))
        self.assertIn("lost 3 (2 because the buffer was full, 1 because a "
                      "sample was being taken), truncated 1 (7 frames "
                      "missing)", out)

    def test_low_rates_have_a_decimal(self):
        s = vmprof_file.Session(interval=900000000)
        s.samples(0, [(0, 2500000, 2500000)])
        out = text("report", write(s.bytes()))
        self.assertIn("1.1 Hz asked for, 0.4 Hz achieved", out)

    def test_the_header_gives_both_rates(self):
        out = text("report", write(DEMO))
        self.assertIn("1000 Hz asked for, 6000 Hz achieved, by perf task "
                      "clock", out)

    def test_a_session_without_counters_is_named(self):
        self.assertIn("left no counters",
                      text("report", write(vmprof_file.Session().bytes())))

    def test_threads_without_a_clock_are_named(self):
        s = vmprof_file.Session()
        s.stats(clock_failures=3)
        self.assertIn("3 time(s) a thread had no clock",
                      text("report", write(s.bytes())))

    def test_samples_that_came_late_are_named(self):
        data = write(vmprof_file.native_demo().bytes())
        self.assertEqual(report(vmprof_file.native_demo().bytes())
                         ["losses"]["held_back"], 1)
        for line in ("1 samples late, as their signal was blocked",
                     "7 ticks fell into system calls",
                     "5 times a timer was refused at first"):
            self.assertIn(line, text("report", data))

    def test_an_end_that_is_missing_is_named(self):
        data = b"".join(vmprof_file.demo().chunks[:-1])
        self.assertIn("without an end", text("report", write(data)))
        self.assertNotIn("without an end", text("report", write(DEMO)))


class Views(unittest.TestCase):
    def test_functions_come_by_self_time(self):
        out = text("report", write(DEMO))
        names = re.findall(r"  (\S+) \(\S+:\d+\)$", out, re.M)
        self.assertEqual(names, ["work", "leaf", "main"])

    def test_sort_by_total_puts_callers_first(self):
        out = text("report", "--sort", "total", write(DEMO))
        names = re.findall(r"  (\S+) \(\S+:\d+\)$", out, re.M)
        self.assertEqual(names, ["main", "work", "leaf"])

    def test_limit_says_how_much_it_hides(self):
        out = text("report", "--limit", "1", write(DEMO))
        self.assertIn("and 3 more", out)
        self.assertNotIn("leaf", out)

    def test_the_tree_is_indented_by_calls(self):
        out = text("report", "--tree", write(DEMO))
        self.assertRegex(out, r"(?m)^ 80.00%    8.00%  main ")
        self.assertRegex(out, r"(?m)^ 72.00%   48.00%    work ")
        self.assertRegex(out, r"(?m)^ 24.00%   24.00%      leaf ")

    def test_small_branches_are_counted_not_shown(self):
        out = text("report", "--tree", "--min-percent", "30", write(DEMO))
        self.assertNotIn("leaf", out)
        self.assertIn("2 branches below 30 % are not shown", out)

    def test_deep_recursion_is_one_line_of_the_tree(self):
        s = vmprof_file.Session()
        s.codes([(1, "t:f:1:x"), (2, "t:g:1:x")])
        s.frames(1, [(1, 1, None, None), (2, 1, None, None)])
        s.nodes(1, [(i, 1) for i in range(10000)])
        s.nodes(10001, [(10000, 2)])
        s.samples(0, [(10001, 10, 10)])
        out = text("report", "--tree", write(s.bytes()))
        self.assertIn("f (x:1) [10000 calls deep]", out)
        self.assertLess(len(out), 2000)

    def test_recursion_that_ends_at_several_depths_is_not_folded(self):
        s = vmprof_file.Session()
        s.codes([(1, "t:f:1:x")])
        s.frames(1, [(1, 1, None, None)])
        s.nodes(1, [(i, 1) for i in range(4)])
        s.samples(0, [(2, 10, 10), (4, 10, 10)])
        out = text("report", "--tree", write(s.bytes()))
        self.assertEqual(out.count("f (x:1) [2 calls deep]"), 2)

    def test_threads_are_listed_by_time(self):
        s = vmprof_file.Session()
        s.thread(0, "idle", 11)
        s.thread(1, "busy", 12)
        s.samples(0, [(0, 10, 10)])
        s.samples(1, [(0, 10, 30)])
        out = text("report", "--threads", write(s.bytes()))
        self.assertLess(out.index("busy (thread 12)"),
                        out.index("idle (thread 11)"))

    def test_one_thread_alone_can_be_reported(self):
        s = vmprof_file.demo()
        s.thread(1, "other", 200)
        s.samples(1, [(3, 50, 50)])
        out = text("report", "--json", "--thread", "other",
                   write(s.bytes()))
        rows = by_name(json.loads(out)["functions"])
        self.assertEqual(numbers(rows["work"]), (50000, 50000, 1))
        self.assertNotIn("leaf", rows)
        out = text("report", "--json", "--thread", "100", write(s.bytes()))
        self.assertEqual(json.loads(out)["summary"]["sampled_ns"], 1000000)

    def test_one_phase_alone_can_be_reported(self):
        out = text("report", "--json", "--phase", "compiled", write(DEMO))
        rows = by_name(json.loads(out)["functions"])
        self.assertEqual(numbers(rows["leaf"]), (300000, 300000, 2))
        self.assertEqual(numbers(rows["work"])[0], 0)

    def test_samples_that_came_late_can_be_reported_alone(self):
        late = ["report", "--held-back", write(
            vmprof_file.native_demo().bytes())]
        result = json.loads(text(*late, "--json"))
        self.assertEqual([(r["function"], r["samples"])
                          for r in result["functions"] if r["samples"]],
                         [("0x7f00aa00", 1)])
        self.assertEqual(result["summary"]["sampled_ns"], 500000)
        self.assertEqual(result["summary"]["unsampled_ns"], 0)
        self.assertIn("1 samples; others are left out", text(*late))
        out = text(*late, "--json", "--phase", "compiled")
        self.assertEqual(json.loads(out)["functions"], [])

    def test_a_thread_that_is_not_there_is_an_error(self):
        done = vmprof("report", "--thread", "nobody", write(DEMO))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"nobody", done.stderr)

    def test_the_standard_input_and_gzip_are_read(self):
        for data in DEMO, gzip.compress(DEMO), gzip.compress(
                DEMO[:100]) + gzip.compress(DEMO[100:]):
            out = text("report", "--json", "-", stdin=data)
            self.assertEqual(json.loads(out)["summary"]["samples"], 6)
            self.assertEqual(report(data)["summary"]["samples"], 6)

    def test_info_counts_what_the_file_holds(self):
        counts = info(DEMO)["counts"]
        self.assertEqual(counts, {
            "bytes": len(DEMO), "sessions": 1, "threads": 1, "codes": 3,
            "frames": 4, "stacks": 5, "samples": 6,
            "readouts": 0, "type_rows": 0, "type_sites": 0, "traces": 0,
            "jit_events": 0, "jit_events_lost": 0,
            "bytes_per_sample": round(len(DEMO) / 6, 4)})
        self.assertIn("Samples                              6",
                      text("info", write(DEMO)))


BAD_NAMES = [
    b"\x1b]0;title\x07", b"\x1b[2J", b"a\nb", b"a\rb", b"tab\t", b"nul\0nul",
    b"\xc2\x9b31m", b"\x7f", b"\xff\xfe", b"\xe2\x80\xae" b"evil",
    b"\xe2\x81\xa6x\xe2\x81\xa9", b"\xe2\x80\x8f", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xf3\xa0\x81\x81", b"\xe2\x80\xa8x",
]
FORBIDDEN = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f"
                       "\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")


def hostile(name):
    s = vmprof_file.Session(program=name, vm=name, extra={
        3: name, 5: name, 7: name})
    s.codes([(1, b"t:" + name + b":1:" + name)])
    s.frames(1, [(1, 1, 1, None)])
    s.nodes(1, [(0, 1)])
    s.thread(0, name)
    s.samples(0, [(1, 10, 10)])
    return s.bytes()


class Names(unittest.TestCase):
    def test_no_name_acts_on_a_terminal(self):
        for name in BAD_NAMES:
            file = write(hostile(name))
            for view in (["report", "-fltTp"], ["report", "--json"],
                         ["info"], ["info", "--json"]):
                with self.subTest(name=name, view=view):
                    out = vmprof(*view, file).stdout.decode()
                    self.assertIsNone(FORBIDDEN.search(out))

    def test_nor_does_that_of_the_file(self):
        self.assertIn("\\x1B[1m.vmprof: vmprof native",
                      text("info", write(vmprof_file.demo().bytes(),
                                          "\x1b[1m.vmprof")))

    def test_escapes_show_what_was_there(self):
        for name, shown in [(b"\x1b[2J", r"\x1B[2J"), (b"a\nb", r"a\x0Ab"),
                            (b"\xff", r"\xFF"), (b"\xc2\x9b", r"\u{9B}"),
                            (b"\xe2\x80\xae", r"\u{202E}"),
                            ("Grüße 世界 🙂".encode(), "Grüße 世界 🙂")]:
            self.assertIn(f"{shown} ({shown}:1)",
                          text("report", write(hostile(name))))

    def test_json_keeps_every_character(self):
        for name in "Grüße 世界 🙂 \"quoted\\\"", "\u202e\x1b\u0085\U000e0041":
            rows = report(hostile(name.encode()))["functions"]
            self.assertEqual(rows[0]["function"], name)

    def test_colons_and_percents_of_names_come_back(self):
        s = vmprof_file.Session()
        s.codes([(1, "t:a%3Ab%253A%41:3:c%3A\\d")])
        s.frames(1, [(1, 1, None, None)])
        s.nodes(1, [(0, 1)])
        s.samples(0, [(1, 1, 1)])
        row = report(s.bytes())["functions"][0]
        self.assertEqual((row["function"], row["file"], row["line"]),
                         ("a:b%3A%41", "c:\\d", 3))

    def test_a_name_without_colons_is_the_function_s(self):
        s = vmprof_file.Session()
        s.codes([(1, "just a name"), (2, "t:f:x1:y"), (3, "")])
        s.frames(1, [(i, 1, None, None) for i in (1, 2, 3)])
        s.nodes(1, [(0, 1), (0, 2), (0, 3)])
        s.samples(0, [(1, 1, 3), (2, 1, 2), (3, 1, 1)])
        rows = report(s.bytes())["functions"]
        self.assertEqual([r["function"] for r in rows],
                         ["just a name", "f", ""])
        self.assertEqual(rows[1]["line"], 0)
        self.assertIn("[unnamed]", text("report", path("file.vmprof")))

    def test_a_name_is_not_cut_in_a_pipe(self):
        name = b"n" * 900
        self.assertIn(name.decode(), text("report", write(hostile(name)),
                                          env={"COLUMNS": "80"}))


if __name__ == "__main__":
    tap.main()
