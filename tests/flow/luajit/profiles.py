#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""What profiles of LuaJIT programs say."""

import pathlib
import tempfile
import unittest

from luajit import LUAJIT, VMPROF, counters, read, run, run_started


class Profiles(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = pathlib.Path(holder.name)
        self.file = self.directory / "profile"

    def write(self, text):
        program = self.directory / "program.lua"
        program.write_text(text)
        return program

    def record(self, text, *options):
        program = self.write(text)
        done = run(VMPROF, "record", "-r", 2000, *options, "-o", self.file,
                   "--", LUAJIT, program)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def report(self):
        report = read("report", self.file)
        names = {0: ()}
        for node in report["tree"]:
            function = report["functions"][node["function"]]["function"]
            names[node["id"]] = names[node["parent"]] + (function,)
        whole = report["summary"]["sampled_ns"]
        return [(names[node["id"]], node["self_ns"] / whole)
                for node in report["tree"]]

    def share_of(self, stacks, *part):
        return sum(share for names, share in stacks
                   if any(names[i:i + len(part)] == part
                          for i in range(len(names))))

    def test_compiled_loops_are_told_apart_by_function_and_line(self):
        self.record("""
            local function short(n)
                local s = 0
                for i = 1, n do s = (s * 31 + i) % 1000003 end
                return s
            end
            local function long(n)
                local s = 0
                for i = 1, n do s = (s * 31 + i) % 1000003 end
                return s
            end
            for i = 1, 40 do short(1e5) long(3e5) end""")
        stacks = self.report()
        self.assertGreater(self.share_of(stacks, "main chunk"), 0.9)
        self.assertAlmostEqual(self.share_of(stacks, "main chunk", "long"),
                               0.75, delta=0.12)
        traces = {trace["function"]: trace
                  for trace in read("jit", self.file)["traces"]
                  if trace["kind"] == "loop"}
        self.assertEqual(traces["short"]["line"], 4)
        self.assertEqual(traces["long"]["line"], 9)

    def test_a_long_loop_is_sampled_while_it_runs(self):
        self.record("""
            local function loop(n)
                local s = 0
                for i = 1, n do s = (s * 31 + i) % 1000003 end
                return s
            end
            local function caller() return loop(1e8) + 1 end
            print(caller())""")
        jit = read("jit", self.file)
        self.assertGreater(jit["sampled"]["samples"], 100)
        outside = jit["sampled"]["outside_ns"] / jit["sampled"]["time_ns"]
        self.assertLess(outside, 0.2)
        stacks = self.report()
        self.assertGreater(
            self.share_of(stacks, "main chunk", "caller", "loop"), 0.9)

    def test_interpreted_functions_have_their_whole_stack(self):
        self.record("""
            jit.off()
            local function inner(n)
                local s = 0
                for i = 1, n do s = (s * 31 + i) % 1000003 end
                return s
            end
            local function middle(n) return inner(n) + 1 end
            local function outer() return middle(1e7) + 1 end
            print(outer())""")
        stacks = self.report()
        self.assertGreater(
            self.share_of(stacks, "main chunk", "outer", "middle", "inner"),
            0.9)

    def test_phases_are_what_luajit_says(self):
        self.record("""
            local keep = {}
            for i = 1, 200000 do keep[i] = { i } end
            for i = 1, 40 do collectgarbage() end""")
        phases = read("jit", self.file)["phases"]["sampled"]["ns"]
        self.assertGreater(phases["gc"] + phases["native"],
                           0.4 * sum(phases.values()))

    def test_entries_and_exits_are_counted_exactly(self):
        program = self.write("""
            local function inner(n)
                local s = 0
                for i = 1, n do s = s + i % 7 end
                return s
            end
            local function outer(n)
                local s = 0
                for i = 1, n do s = s + inner(200) end
                return s
            end
            jit.off(outer)
            require("jit.opt").start("hotexit=60000")
            outer(5)
            outer(100000)""")
        done = run_started(program, self.file, edges="count")
        self.assertEqual(done.returncode, 0, done.stderr)
        loops = [trace for trace in read("jit", self.file)["traces"]
                 if trace["function"] == "inner" and trace["kind"] == "loop"]
        self.assertEqual(len(loops), 1)
        # It is hot, and compiled, in the first call.
        self.assertAlmostEqual(loops[0]["figures"]["counts"]["entries"],
                               100005, delta=5)

    def test_aborted_traces_have_a_reason(self):
        self.record("""
            local s = 0
            for i = 1, 1e6 do
                local f = function() return i end
                s = s + f()
            end""")
        aborted = [trace for trace in read("jit", self.file)["traces"]
                   if trace["aborted"]]
        self.assertTrue(aborted)
        self.assertIn(b"NYI: bytecode", self.file.read_bytes())

    def test_a_program_ends_as_it_would(self):
        for text in ("os.exit(7)", "error('end')", "os.exit(3, true)",
                     "local t = nil; return t.x"):
            program = self.write(text)
            plain = run(LUAJIT, program)
            done = run(VMPROF, "record", "-o", self.file, "--", LUAJIT, program)
            self.assertEqual(done.returncode, plain.returncode)
            self.assertEqual(done.stdout, plain.stdout)
            for line in plain.stderr.splitlines():
                # Addresses are others each time.
                self.assertIn(line.split(" 0x")[0], done.stderr)

    def test_what_the_user_has_in_lua_init_runs_as_ever(self):
        program = self.write("print(given)")
        done = run(VMPROF, "record", "-o", self.file, "--", LUAJIT, program,
                   LUA_INIT="given = 'from LUA_INIT'")
        self.assertEqual(done.stdout, "from LUA_INIT\n")

    def test_the_tools_of_luajit_work_beside_it(self):
        program = self.write("local s = 0 for i = 1, 1e6 do s = s + i % 3 end")
        plain = run(LUAJIT, "-jv", program)
        done = run(VMPROF, "record", "-o", self.file, "--", LUAJIT, "-jv",
                   program)
        self.assertIn("[TRACE   1 program.lua:1 loop]", plain.stderr)
        self.assertIn("[TRACE   1 program.lua:1 loop]", done.stderr)

    def test_machine_code_that_is_not_as_expected_is_left_alone(self):
        program = self.write("""
            jit.security = function() return 0 end
            local vmprof = require "vmprof"
            vmprof.start { file = arg[1], edges = "count" }
            local s = 0
            for i = 1, 3e7 do s = s + i % 3 end
            vmprof.stop()
            local stats = vmprof.stats()
            print(s, stats.traces_told, stats.traces_left_alone_because)""")
        done = run(LUAJIT, program, self.file)
        self.assertEqual(done.stdout, "30000000\t0\tthis LuaJIT does not "
                         "protect its machine code\n", done.stderr)
        # Where a sample falls is known all the same.
        self.assertGreater(read("jit", self.file)["sampled"]["time_ns"], 0)


if __name__ == "__main__":
    unittest.main()
