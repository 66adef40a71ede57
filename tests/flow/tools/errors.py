#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the command says about files and options that are wrong."""

import os
import pathlib
import re
import subprocess
import unittest

import vmprof_file
from command import DIRECTORY, VMPROF, path, tap, text, vmprof, write

DEMO = vmprof_file.demo().bytes()


class Files(unittest.TestCase):
    def fails(self, arguments, *words, **more):
        for command in ("report", "info"):
            done = vmprof(command, *arguments, **more)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout, b"")
            message = done.stderr.decode()
            self.assertEqual(message.count("\n"), 1)
            for word in words:
                self.assertIn(word, message)

    def test_a_missing_file(self):
        self.fails([path("nowhere")], path("nowhere"), "does not exist")

    def test_an_empty_file(self):
        self.fails([write(b"")], path("file.vmprof"), "is empty")

    def test_an_empty_standard_input(self):
        self.fails(["-"], "is empty", stdin=b"")

    def test_a_directory(self):
        self.fails([DIRECTORY.name], "is a directory")

    def test_foreign_files(self):
        for data in (b"text\n" * 1000, b"\x7fELF" + bytes(5000), b"\0",
                     os.urandom(100000), b"\x8eVMX" + bytes(100)):
            self.fails([write(data)], "is not a profile")

    def test_gzip_that_holds_something_else(self):
        import gzip
        self.fails([write(gzip.compress(b"text" * 100))], "is not a profile")

    def test_gzip_that_is_damaged(self):
        self.fails([write(b"\x1f\x8b" + b"\xff" * 100)], "damaged")

    def test_a_pipe_without_an_end_is_given_up(self):
        with open("/dev/zero", "rb") as zero:
            done = subprocess.run([VMPROF, "info", "-"], stdin=zero,
                                  capture_output=True, timeout=60,
                                  check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is not a profile", done.stderr)

    @unittest.skipIf(os.geteuid() == 0, "root may read everything")
    def test_a_file_that_may_not_be_read(self):
        file = write(DEMO, "secret")
        os.chmod(file, 0)
        self.fails([file], "Permission denied")

    def test_an_output_that_takes_nothing_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([VMPROF, "report", write(DEMO)],
                                  stdout=full, stderr=subprocess.PIPE,
                                  timeout=60, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot write", done.stderr)


class Outputs(unittest.TestCase):
    def test_the_input_and_directories_are_not_overwritten(self):
        file = write(DEMO)
        for command in (["convert", "-t", "collapsed"], ["flamegraph"]):
            for source, data in ((file, None), ("-", file)):
                with open(data or os.devnull, "rb") as stdin:
                    done = subprocess.run(
                        [VMPROF, *command, "-o", file, source], stdin=stdin,
                        capture_output=True, timeout=60, check=False)
                self.assertEqual(done.returncode, 2)
                self.assertIn(b"is the profile itself", done.stderr)
            done = vmprof(*command, "-o", DIRECTORY.name, file)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"Is a directory", done.stderr)
        with open(file, "rb") as kept:
            self.assertEqual(kept.read(), DEMO)

    def test_an_older_output_is_replaced(self):
        out = write(b"older", "out")
        text("convert", "-t", "collapsed", "-o", out, write(DEMO))
        with open(out, "rb") as new:
            self.assertIn(b"main", new.read())


WRONG_USAGE = [
    [], ["frobnicate"], ["--frobnicate"],
    ["report"], ["report", "a", "b"], ["report", "--frobnicate", "a"],
    ["report", "--sort", "name", "a"], ["report", "--limit", "-1", "a"],
    ["report", "--limit", "x", "a"], ["report", "--limit", "", "a"],
    ["report", "--min-percent", "101", "a"], ["report", "-m", "nan", "a"],
    ["report", "--phase", "sleeping", "a"], ["report", "a", "--sort"],
    ["info"], ["info", "a", "b"], ["info", "--tree", "a"],
    ["record"], ["record", "--"], ["record", "-r", "0", "true"],
    ["record", "-r", "1", "true"], ["record", "-r", "nan", "true"],
    ["record", "-i", "0", "true"], ["record", "-i", "1", "true"],
    ["record", "-i", "1s", "true"], ["record", "-i", "1000ms", "true"],
    ["record", "-i", "-1ms", "true"], ["record", "-i", "5 ms", "true"],
    ["record", "-i", "nan", "true"], ["record", "-i", "", "true"],
    ["record", "-m", "real", "true"], ["record", "-c", "sun", "true"],
    ["record", "-m", "wall", "-c", "perf", "true"],
    ["record", "-s", "all", "true"],
    ["record", "-m", "wall", "-s", "signal", "true"],
    ["record", "-i", "1e-9", "true"], ["record", "-i", "0.9us", "true"],
    ["record", "-i", "1ms", "-r", "1000", "true"],
    ["record", "-o", "-", "true"],
    ["convert", "-t", "pprof", "--value", "time", "a"],
    ["convert", "-t", "speedscope", "--value", "samples", "a"],
    ["record", "-o", "", "true"], ["record", "--frobnicate", "true"],
]


class Usage(unittest.TestCase):
    def test_wrong_usage_is_2_and_points_to_the_help(self):
        for arguments in WRONG_USAGE:
            with self.subTest(arguments):
                done = vmprof(*arguments, cwd=DIRECTORY.name)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(done.stdout, b"")
                self.assertRegex(done.stderr, rb"^(vmprof.*: |Usage: )")

    def test_a_missing_file_and_an_unknown_option_read_alike(self):
        for command in ("report", "info", "convert", "flamegraph"):
            help_of = f"see vmprof {command} --help\n"
            self.assertEqual(vmprof(command).stderr.decode(),
                             f"vmprof {command}: FILE is missing; {help_of}")
            self.assertIn(f'"b" is one file too many; {help_of}',
                          vmprof(command, "a", "b").stderr.decode())
        for command in ("report", "info", "convert", "flamegraph", "record"):
            message = vmprof(command, "--bogus").stderr.decode()
            self.assertIn("'--bogus'\n", message)
            self.assertTrue(
                message.endswith(f"see vmprof {command} --help\n"))

    def test_help_and_version_are_0(self):
        self.assertIn("Commands:", text("--help"))
        self.assertRegex(text("--version"), r"^vmprof \d+\.\d+\.\d+\n$")
        for command in ("report", "info", "record", "convert", "flamegraph"):
            self.assertIn(f"Usage: vmprof {command}", text(command, "--help"))
            self.assertIn(f"  {command} ", text("--help"))

    def test_help_fits_80_columns(self):
        for command in ([], ["report"], ["info"], ["record"]):
            for line in text(*command, "--help").splitlines():
                self.assertLessEqual(len(line), 80, line)


    def test_the_man_page_has_every_option_of_every_help(self):
        root = pathlib.Path(__file__).parents[3]
        page = (root / "doc/vmprof.1").read_text(encoding="utf-8")
        for command in ("report", "info", "record", "convert", "flamegraph"):
            section = page.split(f".Ss {command}\n")[1]
            section = re.split(r"\n\.S[hs] ", section)[0]
            options = re.findall(r"^ +(?:-\w, )?--([\w-]+)",
                                 text(command, "--help"), re.M)
            self.assertTrue(options)
            for option in set(options) - {"help"}:
                self.assertRegex(section, rf"Fl -{option}\b|, -{option}\b",
                                 command)


class Terminals(unittest.TestCase):
    """What a person sees: run under script(1)'s pty, made by Python."""

    def see(self, width, **env):
        leader, follower = os.openpty()
        name = b"n" * 200 + b":1:file"
        s = vmprof_file.Session()
        s.codes([(1, b"t:" + name)])
        s.frames(1, [(1, 1, 1, None)])
        s.nodes(1, [(0, 1)])
        s.samples(0, [(1, 10, 10)])
        with subprocess.Popen(
                [VMPROF, "report", "-ft", write(s.bytes())], stdout=follower,
                env={"PATH": os.environ["PATH"], "TERM": "xterm",
                     "COLUMNS": str(width), **env}) as process:
            os.close(follower)
            out = b""
            while True:
                try:
                    more = os.read(leader, 65536)
                except OSError:  # the other end was closed
                    break
                if not more:
                    break
                out += more
        os.close(leader)
        self.assertEqual(process.returncode, 0)
        return out.decode()

    def test_names_are_cut_where_the_line_ends(self):
        for width in (60, 100, 150):
            out = self.see(width, NO_COLOR="1")
            cut = [line for line in out.splitlines() if "nnn" in line]
            self.assertEqual(len(cut), 2)
            for line in cut:
                self.assertEqual(len(line), width)
                self.assertTrue(line.endswith("…"))

    def test_colours_are_for_terminals_that_want_them(self):
        self.assertIn("\x1b[", self.see(100))
        self.assertNotIn("\x1b", self.see(100, NO_COLOR="1"))
        self.assertNotIn("\x1b", self.see(100, TERM="dumb"))
        self.assertNotIn("\x1b", text("report", write(DEMO)))


if __name__ == "__main__":
    tap.main()
