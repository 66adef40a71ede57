#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""What profiles of Lua programs say."""

import unittest

from lua import record_lua, start_lua

BUSY = """
local function busy(rounds)
    local sum = 0
    for i = 1, rounds do sum = (sum * 31 + i) % 1000003 end
    return sum
end
"""


class Profiles(unittest.TestCase):
    def test_a_coroutine_stands_above_those_that_resumed_it(self):
        profile, _ = record_lua(BUSY + """
            local function inner() busy(1e7) coroutine.yield() end
            local function middle() coroutine.wrap(inner)() end
            local function outer()
                local co = coroutine.create(middle)
                assert(coroutine.resume(co))
            end
            outer()""")
        self.assertGreater(profile.share_of_stacks(
            "main chunk", "outer", "coroutine.resume", "middle",
            "(wrapped coroutine)", "inner", "busy"), 90)

    def test_a_coroutine_that_was_yielded_goes_on_where_it_was(self):
        profile, _ = record_lua(BUSY + """
            local co = coroutine.wrap(function()
                while true do busy(2e4) coroutine.yield() end
            end)
            local function first() for i = 1, 300 do co() end end
            local function second() for i = 1, 300 do co() end end
            first() second()""")
        for caller in ("first", "second"):
            share = profile.share_of_stacks(caller, "(wrapped coroutine)")
            self.assertAlmostEqual(share, 50, delta=15)

    def test_variables_are_closed_on_the_coroutine_that_has_them(self):
        profile, _ = record_lua(BUSY + """
            local function on_close() busy(1e7) end
            local co = coroutine.create(function()
                local x <close> = setmetatable({}, { __close = on_close })
                coroutine.yield()
            end)
            coroutine.resume(co)
            coroutine.close(co)""")
        self.assertGreater(
            profile.share_of_stacks("coroutine.close", "on_close"), 90)

    def test_a_coroutine_resumed_unseen_counts_for_who_resumed_it(self):
        profile = start_lua(BUSY + """
            local unseen = coroutine.resume
            require("vmprof").start { file = arg[1] }
            local co = coroutine.create(function() busy(1e7) end)
            local function resumer() unseen(co) end
            resumer()""")
        self.assertGreater(profile.share_of_stacks("resumer", "unseen"), 90)
        self.assertEqual(profile.self_share("busy"), 0)

    def test_a_seen_coroutine_above_an_unseen_one_shows_both(self):
        profile = start_lua(BUSY + """
            local unseen = coroutine.resume
            require("vmprof").start { file = arg[1] }
            local co = coroutine.create(function()
                coroutine.wrap(function() busy(1e7) end)()
            end)
            local function resumer() unseen(co) end
            resumer()""")
        self.assertGreater(profile.share_of_stacks("resumer", "unseen"), 90)
        self.assertGreater(profile.share_of_stacks("busy"), 90)

    def test_entries_of_system_calls_count_for_no_samples(self):
        profile, done = record_lua(BUSY + """
            local start = os.clock()
            while os.clock() < start + 0.5 do
                for i = 1, 100 do
                    local file = io.open("/proc/self/stat")
                    file:read("a")
                    file:close()
                end
                busy(5000)
            end""")
        report = profile.report
        rows = sum(node["samples"] for node in report["tree"])
        self.assertGreater(rows, report["summary"]["samples"] * 1.1)
        self.assertEqual(report["summary"]["samples"],
                         report["losses"]["samples"])
        self.assertIn(f" {report['summary']['samples']:,} samples",
                      done.stderr)

    def test_time_in_c_functions_is_theirs(self):
        profile, done = record_lua(BUSY + """
            local text = ("xy"):rep(5000)
            local used = { c = 0, lua = 0 }
            local function measure(kind, f, ...)
                local before = os.clock()
                f(...)
                used[kind] = used[kind] + os.clock() - before
            end
            local function finds()
                for i = 1, 100 do text:find("x-z") end
            end
            local start = os.clock()
            repeat
                measure("c", finds)
                measure("lua", busy, 1e6)
            until os.clock() - start > 1.5
            io.write(100 * used.c / (used.c + used.lua))""")
        self.assertAlmostEqual(profile.self_share("string.find"),
                               float(done.stdout), delta=4)

    def test_sorting_is_shared_with_its_comparisons(self):
        profile, _ = record_lua("""
            local function less(a, b) return a < b end
            for turn = 1, 6 do
                local t = {}
                for i = 1, 100000 do t[i] = (i * 7919) % 100003 end
                table.sort(t, less)
            end""")
        self.assertGreater(profile.self_share("table.sort"), 20)
        self.assertGreater(profile.self_share("less"), 5)
        self.assertGreater(profile.share_of_stacks("table.sort", "less"), 5)

    def test_c_functions_are_marked_as_such(self):
        profile, _ = record_lua("for i = 1, 300 do ('x'):rep(1e6) end")
        row = next(row for row in profile.functions
                   if row["function"] == "string.rep")
        self.assertEqual(row["file"], "[C]")

    def test_native_frames_that_cannot_be_had_are_told(self):
        _, done = record_lua("for i = 1, 300 do ('x'):rep(1e6) end", "-g")
        self.assertIn("without native frames", done.stderr)

    def test_functions_are_named_after_their_definitions(self):
        profile, _ = record_lua(BUSY + """
            local M = { field = function() busy(2e6) end }
            function M.dotted() busy(2e6) end
            function M:method() busy(2e6) end
            function global() busy(2e6) end
            local assigned <const> = function() busy(2e6) end
            for _, f in pairs(M) do f(M) end
            local any = global
            any()
            assigned();
            (function() busy(2e6) end)()""")
        names = {row["function"] for row in profile.functions}
        for name in ("field", "M.dotted", "M:method", "global", "assigned",
                     "busy", "main chunk"):
            self.assertIn(name, names)

    def test_a_line_with_two_functions_is_named_by_its_callers(self):
        profile, _ = record_lua(BUSY + """
            local a, b = function() busy(5e6) end, function() busy(5e6) end
            a()
            b()""")
        names = {row["function"] for row in profile.functions}
        self.assertTrue(names & {"a", "b"}, names)

    def test_a_chunk_from_a_string_is_named_by_its_text(self):
        profile, _ = record_lua("""
            local f = load([[
                local function looping()
                    for i = 1, 3e7 do end
                end
                looping()]])
            f()""")
        row = next(row for row in profile.functions
                   if row["function"] == "looping")
        self.assertTrue(row["file"].startswith('[string "'), row["file"])
        self.assertEqual(row["line"], 1)

    def test_tail_calls_are_shown_as_in_tracebacks(self):
        profile, _ = record_lua(BUSY + """
            local function last() busy(1e7) return 1 end
            local function first() return last() end
            first()""")
        self.assertGreater(
            profile.share_of_stacks("(...tail calls...)", "last"), 90)

    def test_lines_are_those_that_run(self):
        profile, _ = record_lua("""local sum = 0
            for i = 1, 1e5 do
                sum = sum + 1
            end
            for i = 1, 2e7 do
                sum = (sum * 31 + i) % 1000003
            end""")
        by_line = {row["line"]: row["self_ns"]
                   for row in profile.report["lines"]
                   if row["function"] == "main chunk"}
        whole = sum(by_line.values())
        self.assertGreater(by_line.get(5, 0) + by_line.get(6, 0), 0.9 * whole)

    def test_waiting_is_no_functions_time(self):
        profile, _ = record_lua(BUSY + """
            local function work() busy(5e6) end
            work()
            os.execute("sleep 0.7")
            work()""", "-m", "wall")
        off = profile.report["summary"]["off_cpu_ns"]
        self.assertGreater(off, 0.6e9)
        for row in profile.functions:
            if row["function"] in ("os.execute", "work", "busy"):
                self.assertLess(row["self_ns"], profile.whole - off + 1e8)
        execute = [row["self_ns"] for row in profile.functions
                   if row["function"] == "os.execute"]
        self.assertLess(sum(execute), 0.2e9)

    def test_waiting_is_nothing_in_cpu_mode(self):
        profile, _ = record_lua(BUSY + """
            busy(5e6)
            os.execute("sleep 0.5")
            busy(5e6)""")
        self.assertEqual(profile.report["summary"]["off_cpu_ns"], 0)
        self.assertGreater(profile.self_share("busy"), 80)


if __name__ == "__main__":
    unittest.main()
