#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof convert: the collapsed format, and what holds for every export."""

import os
import pty
import stat

import command
import stacks
from stacks import CODE, MAIN, WORK

import tap

COLLAPSED = b"""\
fib 80000
fib;fib 80000
fib;fib;fib 80000
fib;fib;fib;fib 80000
fib;fib;fib;fib;fib 80000
fib;work (other.toy:20) 100000
main 100000
main;work (app.toy:10) 500000
main;work (app.toy:10);memcpy 100000
main;work (app.toy:10);sort 300000
"""


def sorted_lines(text):
    return b"".join(sorted(text.splitlines(keepends=True)))


class Collapsed(command.CommandTest):
    def convert(self, *options):
        run = self.succeed("convert", "a.vmprof", "--to", "collapsed", "-o",
                           "-", *options)
        return run.stdout

    def test_a_stack_is_one_line_with_its_microseconds(self):
        stacks.small(self.path("a.vmprof"))
        self.assertEqual(sorted_lines(self.convert()), COLLAPSED)

    def test_samples_are_counted_when_asked_for(self):
        stacks.small(self.path("a.vmprof"))
        lines = self.convert("--value", "samples").splitlines()
        self.assertIn(b"main;work (app.toy:10) 6", lines)
        self.assertEqual(sum(int(line.split()[-1]) for line in lines), 18)

    def test_a_hostile_name_stays_in_its_field(self):
        recording = stacks.Recording()
        thread = recording.thread("t", 1)
        for name in (b"a;b 7", b"c\nd 8", b"\xff\xfe\xc3", b"\x1b[31m",
                     "\u202egpj.exe".encode(), b"x" * 10000, b"", b"a b"):
            recording.add(thread, [(MAIN, CODE, 1), ((name, "f", 1), CODE, 1)],
                          5)
        recording.write(self.path("a.vmprof"))
        lines = sorted(self.convert().decode().splitlines())
        self.assertEqual(lines, sorted(
            f"main;{name} 5" for name in (
                "a:b 7", "c\ufffdd 8", "\ufffd\ufffd\ufffd", "\ufffd[31m",
                "\ufffdgpj.exe", "x" * 10000, "[unnamed]", "a b")))

    def test_names_that_look_alike_are_one_stack(self):
        recording = stacks.Recording()
        thread = recording.thread("t", 1)
        for name in ("a;b", "a:b", "a\nb", "a\tb"):
            recording.add(thread, [((name, "f", 1), CODE, 1)], 5)
        recording.write(self.path("a.vmprof"))
        self.assertEqual(sorted(self.convert().decode().splitlines()),
                         ["a:b (f:1) 10", "a\ufffdb (f:1) 10"])

    def test_a_sample_without_frames_keeps_its_time(self):
        recording = stacks.Recording()
        recording.add(recording.thread("t", 1), [], 9)
        recording.write(self.path("a.vmprof"))
        self.assertEqual(self.convert(), b"[native] 9\n")

    def test_a_thread_that_waited_without_frames_is_called_so(self):
        recording = stacks.Recording()
        recording.add(recording.thread("t", 1), [], 9, state=stacks.OFF_CPU)
        recording.write(self.path("a.vmprof"))
        self.assertEqual(self.convert(), b"[off-CPU] 9\n")

    def test_cpu_time_without_a_sample_is_shown(self):
        stacks.unsampled(self.path("a.vmprof"))
        self.assertEqual(sorted_lines(self.convert()),
                         b"[unsampled] 520\nmain 7000\n")
        self.assertEqual(self.convert("--value", "samples"), b"main 1\n")

    def test_a_deep_stack_is_whole(self):
        recording = stacks.Recording()
        recording.add(recording.thread("t", 1), [(WORK, CODE, 1)] * 20000, 3)
        recording.write(self.path("a.vmprof"))
        self.assertEqual(self.convert(), b";".join([b"work"] * 20000) +
                         b" 3\n")


class VmprofLog(command.CommandTest):
    def said(self):
        return self.succeed("convert", "a.vmprof", "--to", "vmprof-log", "-o",
                            "a.prof").stderr

    def test_cpu_time_without_a_sample_is_not_kept_and_said(self):
        recording = stacks.Recording()
        threads = [recording.thread("t", ident) for ident in (1, 2)]
        for _ in range(3):
            recording.add(threads[0], [(MAIN, CODE, 1)], 7000)
        recording.cpu_us = {threads[0]: 22600, threads[1]: 1500}
        recording.write(self.path("a.vmprof"))
        self.assertTrue(self.said().endswith(b", 3 ms of [unsampled]\n"))

    def test_rows_of_types_are_not_kept_and_said(self):
        with open(self.path("a.vmprof"), "wb") as file:
            file.write(stacks.native.types_demo().bytes())
        self.assertRegex(self.said(), rb" \d+ rows of types\n")


FORMATS = {"collapsed": "a.collapsed", "pprof": "a.pb.gz",
           "speedscope": "a.speedscope.json"}


class EveryFormat(command.CommandTest):
    def setUp(self):
        super().setUp()
        stacks.small(self.path("a.vmprof"))

    def each(self):
        """Arguments for every export, and where it writes by default."""
        for name, output in FORMATS.items():
            yield ["convert", "a.vmprof", "--to", name], output
        yield ["flamegraph", "a.vmprof"], "a.html"

    def test_lies_beside_its_input_by_default(self):
        for arguments, output in self.each():
            run = self.succeed(*arguments)
            self.assertIn(output, run.stderr.decode())
            self.assertGreater(os.path.getsize(self.path(output)), 100)

    def test_is_the_same_on_standard_output(self):
        for arguments, output in self.each():
            self.succeed(*arguments)
            run = self.succeed(*arguments, "-o", "-")
            with open(self.path(output), "rb") as file:
                self.assertEqual(run.stdout, file.read())

    def test_reads_standard_input(self):
        for arguments, output in self.each():
            self.succeed(*arguments, "-o", "expected")
            arguments[1] = "-"
            with open(self.path("a.vmprof"), "rb") as profile:
                run = self.succeed(*arguments, stdin=profile)
            with open(self.path("expected"), "rb") as file:
                expected = file.read()
            self.assertEqual(run.stdout, expected)

    def test_a_full_disk_is_an_error(self):
        for arguments, _ in self.each():
            said = self.fail_with(1, *arguments, "-o", "/dev/full")
            self.assertIn("/dev/full", said)
            self.assertIn("No space left on device", said)

    def test_a_closed_pipe_is_an_error(self):
        for arguments, _ in self.each():
            reader, writer = os.pipe()
            os.close(reader)
            said = self.fail_with(1, *arguments, "-o", "-",
                                  stdout=writer, stderr=-1,
                                  capture_output=False)
            os.close(writer)
            self.assertIn("Broken pipe", said)

    def test_a_failure_leaves_what_was_there(self):
        with open(self.path("broken.vmprof"), "wb") as file:
            file.write(b"not a profile at all, but long enough to look at")
        for arguments, _ in self.each():
            with open(self.path("out"), "w") as file:
                file.write("before")
            arguments[1] = "broken.vmprof"
            self.fail_with(1, *arguments, "-o", "out")
            with open(self.path("out")) as file:
                self.assertEqual(file.read(), "before")
            self.assertEqual(self.files(),
                             ["a.vmprof", "broken.vmprof", "out"])

    def test_a_directory_that_is_not_there_is_named(self):
        for arguments, _ in self.each():
            said = self.fail_with(1, *arguments, "-o", "none/out")
            self.assertIn("none/out", said)
            self.assertIn("No such file", said)

    def test_a_profile_is_never_written_over(self):
        with open(self.path("a.vmprof"), "rb") as file:
            before = file.read()
        os.symlink("a.vmprof", self.path("link"))
        for arguments, _ in self.each():
            self.fail_with(2, *arguments, "-o", "a.vmprof")
            self.fail_with(2, *arguments, "-o", "link")
        with open(self.path("a.vmprof"), "rb") as file:
            self.assertEqual(file.read(), before)

    def test_a_new_file_has_the_mode_of_the_umask(self):
        for arguments, output in self.each():
            self.succeed(*arguments, umask=0o027)
            self.assertEqual(
                stat.S_IMODE(os.stat(self.path(output)).st_mode), 0o640)

    def test_a_link_stays_a_link(self):
        open(self.path("target"), "w").close()
        os.symlink("target", self.path("link"))
        for arguments, _ in self.each():
            self.succeed(*arguments, "-o", "link")
            self.assertTrue(os.path.islink(self.path("link")))
            self.assertGreater(os.path.getsize(self.path("target")), 100)

    def test_a_cut_file_gives_what_is_readable(self):
        with open(self.path("a.vmprof"), "rb") as file:
            whole = file.read()
        with open(self.path("a.vmprof"), "wb") as file:
            file.write(whole[:-30])
        for arguments, output in self.each():
            run = self.succeed(*arguments)
            self.assertIn("is damaged", run.stderr.decode())
            self.assertGreater(os.path.getsize(self.path(output)), 100)

    def test_a_file_without_samples_is_no_error(self):
        stacks.Recording().write(self.path("a.vmprof"))
        for arguments, output in self.each():
            self.succeed(*arguments)
            self.assertTrue(os.path.exists(self.path(output)))


class Usage(command.CommandTest):
    def test_wrong_usage_is_told_from_a_failed_job(self):
        for arguments in (
                ["convert"], ["convert", "a"], ["convert", "--to", "pprof"],
                ["convert", "a", "--to", "gif"], ["convert", "a", "--what"],
                ["convert", "a", "b", "--to", "pprof"],
                ["convert", "a", "--to", "collapsed", "--value", "cats"],
                ["flamegraph"], ["flamegraph", "a", "b"],
                ["flamegraph", "a", "--to", "pprof"]):
            self.assertTrue(self.fail_with(2, *arguments))
        for arguments in (["convert", "absent", "--to", "pprof"],
                          ["flamegraph", "absent"]):
            self.assertIn("absent", self.fail_with(1, *arguments))
            self.assertEqual(self.files(), [])

    def test_help_names_every_format(self):
        for name in FORMATS:
            run = self.succeed("convert", "--help")
            self.assertIn(name.encode(), run.stdout)

    def test_a_terminal_is_spared_a_binary_format(self):
        stacks.small(self.path("a.vmprof"))
        controller, terminal = pty.openpty()
        said = self.fail_with(2, "convert", "a.vmprof", "--to", "pprof",
                              "-o", "-", stdout=terminal, stderr=-1,
                              capture_output=False)
        os.close(terminal)
        os.close(controller)
        self.assertIn("binary", said)


if __name__ == "__main__":
    tap.main()
