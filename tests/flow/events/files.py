#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""files.py VMPROF: vmprof events on files that Python writes from doc/format.md."""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tools"))

from command import SLOW, info, tap, text, vmprof, write  # noqa: E402
import chrome  # noqa: E402
import vmprof_file  # noqa: E402
from vmprof_file import RECORDED, happening, varint  # noqa: E402

DEMO = vmprof_file.events_demo()
HUGE = 2**64 - 1
EVENTS = 17


def events(data, *options):
    return [json.loads(line) for line in
            text("events", "--ndjson", *options, write(data)).splitlines()]


def kinds(rows):
    return [row["kind"] for row in rows]


class Timeline(unittest.TestCase):
    def test_events_of_all_threads_are_in_order_of_time(self):
        rows = events(DEMO.bytes())
        self.assertEqual(len(rows), EVENTS)
        times = [row["time_ns"] for row in rows]
        self.assertEqual(times, sorted(times))
        self.assertEqual(kinds(rows)[:6], ["call", "line", "call", "gc-start",
                                           "thread-started", "jit-compiled"])
        self.assertEqual(rows[-1]["target"], HUGE)
        self.assertEqual(rows[-1]["time_ns"], 2**40)

    def test_an_event_has_all_that_the_file_says_of_it(self):
        rows = events(DEMO.bytes())
        first = {"kind": "call", "time_ns": 1000, "session": 0, "thread": 100,
                 "thread_name": "main", "number": 0, "line": 10, "offset": 4,
                 "code": {"function": "work", "file": "demo.toy", "line": 10}}
        self.assertEqual(rows[0], first)
        c_call = next(row for row in rows if row["kind"] == "c-call")
        self.assertEqual(c_call["callee"]["function"], "main")
        self.assertEqual(c_call["line"], 12)
        self.assertNotIn("offset", c_call)

    def test_a_thread_that_is_not_there_is_an_error(self):
        done = vmprof("events", "--thread", "nobody", write(DEMO.bytes()))
        self.assertEqual(done.returncode, 1)
        self.assertIn('has no thread "nobody"', str(done.stderr))

    def test_a_filter_that_lets_nothing_through_says_so(self):
        shown = text("events", "--code", "nothing*", write(DEMO.bytes()))
        self.assertIn(f"none of {EVENTS} events", shown)

    def test_what_begins_and_ends_has_how_long_it_took(self):
        took = {(row["kind"], row["thread"], row["time_ns"]):
                row.get("duration_ns") for row in events(DEMO.bytes())}
        self.assertEqual(took["call", 100, 1200], 800)
        self.assertEqual(took["return", 100, 2000], 800)
        self.assertEqual(took["gc-start", 100, 1300], 400)
        self.assertEqual(took["c-call", 100, 2100], 50)
        self.assertEqual(took["jit-entered", 101, 1700], 200)
        # Its return is among what is missing; this one has no call.
        self.assertIsNone(took["call", 100, 1000])
        self.assertIsNone(took["call", 100, 3000])
        self.assertIsNone(took["return", 101, 1950])

    def test_a_return_that_is_missing_is_not_taken_from_an_outer_call(self):
        s = vmprof_file.demo()
        s.recorded(0, [happening("call", 10, 2), happening("call", 20, 2),
                       happening("return", 30, 2, missing=1 << 2),
                       happening("call", 40, 2), happening("call", 50, 3),
                       happening("return", 60, 2)])
        rows = events(s.bytes())
        self.assertEqual([row.get("duration_ns") for row in rows],
                         [None, None, None, 20, None, 20])

    def test_calls_alone_have_no_durations(self):
        s = vmprof_file.demo()
        s.recorded(0, [happening("call", 10, 2), happening("gc-start", 20),
                       happening("gc-end", 25)])
        s.recorded_totals({}, events=1 | 3 << 30)
        rows = events(s.bytes())
        self.assertEqual([row.get("duration_ns") for row in rows],
                         [None, 5, 5])

    def test_filters_let_through_what_they_say(self):
        data = DEMO.bytes()
        self.assertEqual(kinds(events(data, "--kind", "gc,line")),
                         ["line", "gc-start", "gc-end"])
        self.assertEqual({row["thread"] for row in
                          events(data, "--thread", "helper")}, {101})
        self.assertEqual(len(events(data, "--thread", "101")), 7)
        self.assertEqual(len(events(data, "--code", "le*")), 4)
        # Also those that call it.
        self.assertEqual(len(events(data, "--code", "main")), 4)
        self.assertEqual([row["time_ns"] for row in
                          events(data, "--from", "1.7us", "--to", "1900ns")],
                         [1700, 1700, 1800, 1900])
        self.assertEqual(events(data, "--until", "1900ns"),
                         events(data, "--to", "1900ns"))
        self.assertEqual(len(events(data, "--limit", "3")), 3)

    def test_the_table_says_when_where_and_what_is_missing(self):
        table = text("events", write(DEMO.bytes()))
        self.assertRegex(table, r"0\.000001200 +800 ns +call +main +"
                                r"leaf \(lib:one\.toy:20\)")
        self.assertRegex(table, r"c-call +main +work \(demo.toy:12\) -> "
                                r"main \(demo.toy:1\)")
        self.assertRegex(table, r"line +1 +7 +4 +0\n")
        self.assertIn("17 recorded, at most 1,000 a second and thread, "
                      "7 left out by choice, 4 lost above the rate, 5 lost "
                      "because the buffer was full", table)
        table = text("events", "--limit", "2", write(DEMO.bytes()))
        self.assertIn("and 15 more; --limit 0 shows all", table)

    def test_info_and_report_say_that_there_are_events_and_losses(self):
        path = write(DEMO.bytes())
        for command in ("info", "report"):
            self.assertIn("5 lost because the buffer was full",
                          text(command, path))
            said = json.loads(text(command, "--json", path))
            self.assertEqual(said["recorded_events"]["recorded"], EVENTS)
            self.assertEqual(said["recorded_events"]["no_room"], 5)
        self.assertNotIn("Events", text("report", write(
            vmprof_file.demo().bytes())))

    def test_json_is_one_object_with_the_totals(self):
        said = json.loads(text("events", "--json", write(DEMO.bytes())))
        self.assertEqual(len(said["events"]), EVENTS)
        lines = next(row for row in said["recorded"]["kinds"]
                     if row["kind"] == "line")
        self.assertEqual((lines["left_out"], lines["over_rate"]), (7, 4))

    def test_sessions_of_one_file_stand_behind_each_other(self):
        rows = events(DEMO.bytes() + vmprof_file.events_demo(9).bytes())
        self.assertEqual([row["session"] for row in rows],
                         [0] * EVENTS + [1] * EVENTS)

    def test_a_file_without_events_says_how_to_get_them(self):
        done = vmprof("events", write(vmprof_file.demo().bytes()))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"holds no events: vmprof record --events",
                      done.stderr)

    def test_wrong_options_are_usage_errors(self):
        path = write(DEMO.bytes())
        for options, said in (
                (("--kind", "call,lin"), b'no event "lin"'),
                (("--kind", ""), b'no event ""'),
                (("--from", "soon"), b"--from is a time"),
                (("--from", "2s", "--to", "1s"), b"--from is after --until"),
                (("--json", "--ndjson"), b"not both"),
                (("--limit", "-1"), b"--limit"), ((), b"FILE")):
            done = vmprof("events", *options, *([path] if options else []))
            self.assertEqual(done.returncode, 2, options)
            self.assertIn(said, done.stderr)

    def test_names_cannot_act_on_the_terminal_or_break_json(self):
        s = vmprof_file.demo()
        s.codes([(9, 't:\x1b[31m"\\evil</script>:1:x')])
        s.thread(3, "\x1b]0;t\x07", 103)
        s.recorded(3, [happening("call", 1, 9)])
        self.assertNotIn("\x1b", text("events", write(s.bytes())))
        self.assertIn("evil", events(s.bytes())[0]["code"]["function"])
        chrome.load(text("convert", "--to", "chrome", "-o", "-",
                         write(s.bytes())))


class Chrome(unittest.TestCase):
    def convert(self, data):
        return chrome.load(text("convert", "--to", "chrome", "-o", "-",
                                write(data)))

    def test_begins_and_ends_are_paired_even_where_some_are_missing(self):
        trace = self.convert(DEMO.bytes())
        spans = chrome.spans(trace)
        self.assertIn(("leaf", 100, 1.2, 2.0), spans)
        self.assertIn(("GC", 100, 1.3, 1.7), spans)
        self.assertIn(("JIT", 101, 1.7, 1.9), spans)
        # It lasted to its last event at least.
        self.assertIn(("work", 100, 1.0, 2.15), spans)
        names = {e["name"] for e in chrome.instants(trace)}
        self.assertEqual(names, {"line", "thread-started", "jit-compiled",
                                 "raise", "return", "handled", "vm-0"})

    def test_samples_come_with_their_stacks(self):
        trace = self.convert(DEMO.bytes())
        self.assertEqual(len(trace["samples"]), 6)
        self.assertEqual(chrome.stack(trace, trace["samples"][-1]["sf"]),
                         ["main", "work", "leaf"])

    def test_numbers_of_processes_and_threads_are_not_mixed_up(self):
        other = vmprof_file.events_demo(9)
        other.thread(2, "later", 100)  # the kernel's number again
        other.recorded(2, [happening("call", 5, 1), happening("return", 6, 1)])
        trace = self.convert(DEMO.bytes() + other.bytes())
        chrome.spans(trace)
        tids = [e["tid"] for e in trace["traceEvents"]
                if e["name"] == "thread_name"]
        self.assertEqual(len(set(tids)), 5)

    def chosen(self, *options, data=DEMO):
        """The trace, and what is said to be left out."""
        done = vmprof("convert", "--to", "chrome", "-o", "-", *options,
                      write(data.bytes()))
        self.assertEqual(done.returncode, 0, done.stderr)
        said = re.search(rb"left out as asked for: (\d+) of (\d+) events, "
                         rb"(\d+) of (\d+) samples", done.stderr)
        return chrome.load(done.stdout), tuple(map(int, said.groups()))

    def test_filters_choose_whole_calls_and_say_what_they_leave_out(self):
        def names(trace):
            return sorted([s[0] for s in chrome.spans(trace)] +
                          [e["name"] for e in chrome.instants(trace)])

        trace, said = self.chosen("--kind", "gc-start,line")
        self.assertEqual(names(trace), ["GC", "line"])
        self.assertEqual(said, (14, EVENTS, 0, 6))
        # The end of a call is shown with its beginning, and the other way.
        trace, said = self.chosen("--kind", "return", "--thread", "main")
        self.assertEqual(chrome.spans(trace), [("leaf", 100, 1.2, 2.0)])
        self.assertEqual({e["tid"] for e in trace["traceEvents"]} - {0},
                         {100})
        self.assertEqual(len(trace["samples"]), said[3] - said[2])
        # All that was open in that time, from when it began.
        trace, said = self.chosen("--from", "1.35us", "--until", "1400ns")
        self.assertEqual(names(trace), ["GC", "leaf", "work"])
        self.assertEqual(said, (EVENTS - 5, EVENTS, 6, 6))
        self.assertEqual((trace["samples"], list(trace["stackFrames"])),
                         ([], ["0"]))
        trace, said = self.chosen("--code", "le*")
        self.assertLess(0, said[2])
        for sample in trace["samples"]:
            self.assertIn("leaf", chrome.stack(trace, sample["sf"]))
        self.assertEqual(len(trace["samples"]), 6 - said[2])
        used = {name for sample in trace["samples"]
                for name in chrome.stack(trace, sample["sf"])}
        self.assertLessEqual({f["name"] for f in trace["stackFrames"].values()}
                             - used, {"[native]"})

    def test_filters_that_let_nothing_or_all_through_are_no_error(self):
        trace, said = self.chosen("--code", "nothing*")
        self.assertEqual((said, chrome.spans(trace)),
                         ((EVENTS, EVENTS, 6, 6), []))
        (trace, said), all_ = self.chosen("--from", "0"), self.convert(
            DEMO.bytes())
        self.assertEqual(said, (0, EVENTS, 0, 6))
        for part in "traceEvents", "samples":
            self.assertEqual(trace[part], all_[part])

    def test_wrong_filters_are_refused(self):
        path = write(DEMO.bytes())
        for options, code, said in (
                (("pprof", "--kind", "gc"), 2, b"are not for pprof"),
                (("chrome", "--kind", "lin"), 2, b'no event "lin"'),
                (("chrome", "--from", "2", "--until", "1"), 2, b"is after"),
                (("chrome", "--thread", "nobody"), 1, b"has no thread")):
            done = vmprof("convert", "-o", "-", path, "--to", *options)
            self.assertEqual((done.returncode, done.stdout), (code, b""))
            self.assertIn(said, done.stderr)

    def test_a_file_without_events_is_a_trace_of_samples(self):
        trace = self.convert(vmprof_file.demo().bytes())
        self.assertEqual(len(trace["samples"]), 6)
        self.assertEqual(chrome.spans(trace), [])


def hostile(payload):
    s = vmprof_file.demo()
    s.put(RECORDED, payload)
    return s.bytes()


def head(count=1, thread=0, first=0, start=0):
    return varint(1) + b"".join(map(varint, (thread, first, count, start)))


HOSTILE = {
    "an empty payload": b"",
    "an unknown part": varint(3),
    "a first number": head(first=HUGE) + b"\0\1",
    "a count": head(count=HUGE) + b"\0\1",
    "a kind": head() + varint(64 << 6) + b"\1",
    "a large kind": head() + varint(HUGE) + b"\1",
    "a time beyond all": head(start=HUGE) + b"\0\1",
    "a line below 0": head() + varint(2) + b"\1" + vmprof_file.zigzag(-1),
    "a line of 33 bits": head() + varint(2) + b"\1" +
    vmprof_file.zigzag(2**32),
    "a code that is not there": head() + varint(1) + b"\1",
    "a mask that is not there": head() + varint(32) + b"\1",
    "more than the count": head() + b"\0\1\0\1",
    "a number over 64 bits": head() + b"\xff" * 10,
    "a kind of the totals": varint(2) + b"\0\1\0" + varint(64) + b"\0\0\0\0",
    "half a row of totals": varint(2) + b"\0\1\0" + b"\1\1",
    "half of the settings": varint(2) + b"\0",
}


class Damage(unittest.TestCase):
    def test_a_payload_made_to_do_harm_costs_itself_and_no_more(self):
        for name, payload in HOSTILE.items():
            with self.subTest(name):
                result = info(hostile(payload))
                self.assertEqual(result["counts"]["samples"], 6)
                self.assertGreater(result["damage"]["bytes_unread"], 0)

    def test_what_an_event_may_say_at_most_is_read(self):
        s = vmprof_file.demo()
        s.recorded(0, [happening(63, HUGE, 2**62 - 1, 2**32 - 1, HUGE, HUGE,
                                 2**62 - 1, HUGE)], start=HUGE)
        rows = events(s.bytes())
        self.assertEqual((rows[0]["time_ns"], rows[0]["line"],
                          rows[0]["offset"]), (HUGE, 2**32 - 1, HUGE))
        self.assertEqual(rows[0]["code"]["function"], "[unknown]")
        text("convert", "--to", "chrome", "-o", "-", write(s.bytes()))
        text("events", write(s.bytes()))

    def test_kinds_of_a_newer_library_are_shown_by_their_number(self):
        s = vmprof_file.demo()
        s.recorded(0, [happening(22, 1)])
        self.assertEqual(kinds(events(s.bytes())), ["event-22"])

    def test_a_part_that_is_gone_is_counted_and_parts_pairs(self):
        s = vmprof_file.demo()
        parts = []
        for i in range(3):
            parts.append(len(s.chunks))
            s.recorded(0, [happening("call", 100 * i, 2),
                           happening("return", 100 * i + 9, 3)], first=2 * i,
                       start=100 * i)
        del s.chunks[parts[1]]
        rows = events(s.bytes())
        self.assertEqual([row["number"] for row in rows], [0, 1, 4, 5])
        self.assertIn("missing_before", rows[2])
        result = info(s.bytes())
        self.assertEqual(result["recorded_events"]["lost_in_file"], 2)
        self.assertEqual(result["damage"]["chunks_missing"], 1)

    def test_a_file_that_was_joined_to_itself_has_each_event_once(self):
        rows = events(DEMO.bytes() + DEMO.bytes())
        self.assertEqual(len(rows), EVENTS)

    def test_a_file_cut_anywhere_has_the_events_of_its_whole_chunks(self):
        data, ends, at = DEMO.bytes(), [], 0
        for part in DEMO.chunks:
            at += len(part)
            ends.append(at)
        for size in range(ends[-5], len(data), 29 if SLOW else 7):
            result = info(data[:size])
            self.assertEqual(result["recorded_events"]["recorded"],
                             sum(count for end, count in
                                 zip(ends[-5:], (8, 15 - 8, 2, 0, 0))
                                 if end <= size), size)

    def test_a_changed_byte_never_does_worse_than_lose_its_chunk(self):
        whole = DEMO.bytes()
        start = len(whole) - sum(map(len, DEMO.chunks[-5:]))
        for at in range(start, len(whole), 31 if SLOW else 3):
            data = bytearray(whole)
            data[at] ^= 0x41
            self.assertEqual(info(bytes(data))["counts"]["samples"], 6, at)

    def test_payloads_with_any_byte_changed_are_read_or_refused(self):
        payload = DEMO.chunks[-5][24:]
        for at in range(0, len(payload), 9 if SLOW else 1):
            for flip in (0x01, 0x80, 0xff):
                broken = bytearray(payload)
                broken[at] ^= flip
                done = vmprof("events", "--ndjson",
                              write(hostile(bytes(broken))))
                self.assertIn(done.returncode, (0, 1))
                for line in done.stdout.splitlines():
                    json.loads(line)


if __name__ == "__main__":
    tap.main()
