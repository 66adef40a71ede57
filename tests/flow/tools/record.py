#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof record: the command it runs is this file, as a VM of its own."""

import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time
import unittest

HERE = pathlib.Path(__file__).resolve()
CHILD = [sys.executable, str(HERE), "--child"]


def fill(out, data):
    """Write as long as there is room, as the library does."""
    try:
        while True:
            data = data[out.write(data):] or data
    except OSError:
        pass


def child(actions):
    """What a profiled program does: `actions` in turn."""
    import vmprof_file
    value = os.environ["VMPROF_RECORD"]
    file = value.partition("file=")[2]
    for action in actions:
        name, _, argument = action.partition(":")
        if name == "write":
            with open(file, "ab") as out:
                out.write(vmprof_file.demo(os.getpid()).bytes())
        elif name == "write-no-end":
            with open(file, "ab") as out:
                out.write(b"".join(vmprof_file.demo(os.getpid()).chunks[:-1]))
        elif name == "write-no-samples":
            with open(file, "ab") as out:
                out.write(vmprof_file.demo().chunks[0])
        elif name == "fill":
            with open(file, "ab", buffering=0) as out:
                fill(out, vmprof_file.demo(os.getpid()).bytes())
        elif name == "show":
            print(value)
        elif name == "exit":
            sys.exit(int(argument))
        elif name == "die":
            os.kill(os.getpid(), int(argument))
        elif name == "ready":
            pathlib.Path(argument).touch()
        elif name == "trap":
            signal.signal(int(argument), lambda number, _: print(
                f"caught {number}", flush=True))
        elif name == "await":
            while not os.path.exists(argument):
                time.sleep(0.01)
        elif name == "sleep":
            end = time.monotonic() + float(argument)
            while time.monotonic() < end:
                time.sleep(0.05)


if sys.argv[1] == "--child":
    sys.path.insert(0, str(HERE.parent))
    child(sys.argv[2:])
    sys.exit(0)

from command import DEADLINE, DIRECTORY, VMPROF, path, tap  # noqa: E402
from command import text, vmprof, write  # noqa: E402


def record(*arguments, **more):
    return vmprof("record", *arguments, cwd=DIRECTORY.name, **more)


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("it took too long")
        time.sleep(0.01)


class Record(unittest.TestCase):
    def setUp(self):
        for file in os.listdir(DIRECTORY.name):
            os.unlink(path(file))

    def test_a_recording_can_be_reported(self):
        done = record("-o", "x.vmprof", "--", *CHILD, "write")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"6 samples", done.stderr)
        self.assertIn(b"next: vmprof report x.vmprof", done.stderr)
        self.assertIn("work", text("report", path("x.vmprof")))

    def test_the_command_learns_what_to_record_and_where(self):
        done = record("-o", "x;y=1.vmprof", "-r", "2000", "-c", "perf",
                      *CHILD, "show")
        self.assertEqual(
            done.stdout.decode(),
            "interval=0.0005;mode=cpu;clock=perf;file=" +
            os.path.realpath(path("x;y=1.vmprof")) + "\n")
        done = record("-i", "250us", "-m", "wall", *CHILD, "show")
        self.assertTrue(done.stdout.startswith(
            b"interval=0.00025;mode=wall;clock=auto;file=/"))
        done = record("-c", "observer", "--sampling", "signal", *CHILD, "show")
        self.assertTrue(done.stdout.startswith(
            b"interval=0.001;mode=cpu;clock=observer;sampling=signal;file=/"))
        for interval, value in [("10ms", b"0.01"), ("0.002", b"0.002"),
                                ("0.5s", b"0.5"), ("1us", b"1e-06"),
                                ("0.001ms", b"1e-06")]:
            done = record("-i", interval, *CHILD, "show")
            self.assertTrue(done.stdout.startswith(b"interval=%b;" % value))

    def test_the_file_is_called_like_the_command(self):
        done = record(*CHILD, "write")
        name = os.path.basename(sys.executable) + ".vmprof"
        self.assertEqual(os.listdir(DIRECTORY.name), [name])
        self.assertIn(name.encode(), done.stderr)

    def test_nobody_else_may_read_the_file(self):
        record("-o", "x", *CHILD, "write")
        self.assertEqual(os.stat(path("x")).st_mode & 0o077, 0)

    def test_the_options_of_the_command_are_its_own(self):
        done = record("-o", "x", "echo", "-q", "--help")
        self.assertEqual(done.stdout, b"-q --help\n")

    def test_the_exit_status_is_the_command_s(self):
        for status in 0, 1, 2, 77, 255:
            done = record("-o", "x", *CHILD, "write", f"exit:{status}")
            self.assertEqual(done.returncode, status)

    def test_a_command_that_a_signal_killed(self):
        for number in signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM:
            done = record("-o", "x", *CHILD, "write", f"die:{int(number)}")
            self.assertEqual(done.returncode, 128 + number)
            self.assertIn("work", text("report", path("x")))

    def test_a_command_that_is_not_there_is_127_and_leaves_no_file(self):
        done = record("-o", "x", "no-such-command")
        self.assertEqual(done.returncode, 127)
        self.assertIn(b"no-such-command cannot be run", done.stderr)
        self.assertEqual(os.listdir(DIRECTORY.name), [])

    def test_a_command_that_cannot_be_run_is_126(self):
        done = record("-o", "x", write(b"no program", "plain"))
        self.assertEqual(done.returncode, 126)
        self.assertEqual(os.listdir(DIRECTORY.name), ["plain"])

    def test_nothing_recorded_is_said_with_what_to_do(self):
        for quiet in [], ["-q"]:
            done = record(*quiet, "-o", "x", "true")
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"nothing was recorded", done.stderr)
            self.assertIn(b"vmprof_autostart", done.stderr)
            self.assertEqual(os.listdir(DIRECTORY.name), [])

    def test_quiet_says_nothing_when_all_is_well(self):
        done = record("-q", "-o", "x", *CHILD, "write")
        self.assertEqual(done.stderr, b"")

    def test_an_older_profile_is_replaced(self):
        for _ in range(2):
            record("-o", "x", *CHILD, "write")
        self.assertIn("Samples                              6",
                      text("info", path("x")))

    def test_a_file_that_is_no_profile_is_not_overwritten(self):
        precious = write(b"years of work", "precious")
        done = record("-o", precious, *CHILD, "write", "ready:" + path("ran"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is not a profile", done.stderr)
        with open(precious, "rb") as file:
            self.assertEqual(file.read(), b"years of work")
        self.assertFalse(os.path.exists(path("ran")))

    def test_an_output_that_cannot_be_made_is_1(self):
        done = record("-o", "/nowhere/x", *CHILD, "ready:" + path("ran"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"/nowhere/x cannot be written: No such file",
                      done.stderr)
        self.assertFalse(os.path.exists(path("ran")))

    def test_several_processes_share_a_file(self):
        line = f"'{CHILD[0]}' '{CHILD[1]}' --child write"
        done = record("-o", "x", "sh", "-c", f"{line}; {line} & wait")
        self.assertEqual(done.returncode, 0)
        self.assertIn("Processes                            2",
                      text("info", path("x")))


class Trouble(unittest.TestCase):
    """Recordings that stop early, and files that were there before."""

    setUp = Record.setUp

    def is_untouched(self, done):
        self.assertIn(b"x is as it was before", done.stderr)
        self.assertEqual(os.listdir(DIRECTORY.name), ["x"])
        self.assertIn("work", text("report", path("x")))

    def test_a_file_that_may_not_grow_is_told(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))

        done = record("-q", "-o", "x", *CHILD, "fill", "exit:3",
                      preexec_fn=limit)
        self.assertEqual(done.returncode, 3)
        self.assertEqual(done.stderr, b"vmprof: x: the recording stops early: "
                         b"x cannot be written: File too large\n")
        self.assertEqual(os.path.getsize(path("x")), 5000)

    def test_a_session_without_an_end_is_told(self):
        for quiet in [], ["-q"]:
            done = record(*quiet, "-o", "x", *CHILD, "write", "write-no-end")
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"x: the recording stops early: a program was "
                          b"killed, ended by _exit() or exec(), or still "
                          b"runs; or x could not be written (disk full?)", done.stderr)

    def test_who_killed_the_command_is_not_told_of_a_full_disk(self):
        done = record("-o", "x", *CHILD, "write-no-end",
                      f"die:{int(signal.SIGKILL)}")
        self.assertNotIn(b"stops early", done.stderr)

    def test_what_is_no_file_is_refused(self):
        os.mkfifo(path("pipe"))
        self.addCleanup(os.unlink, path("pipe"))
        for output in (path("pipe"), "/dev/full", "/dev/null", "/dev", "-"):
            done = record("-o", output, *CHILD, "ready:" + path("ran"))
            self.assertEqual(done.returncode, 2, output)
            self.assertIn(b"file", done.stderr)
            self.assertFalse(os.path.exists(path("ran")))
            self.assertTrue(output == "-" or os.path.exists(output))

    def test_a_profile_stays_until_there_is_another(self):
        record("-o", "x", *CHILD, "write")
        self.is_untouched(record("-o", "x", *CHILD, "write-no-samples"))
        self.is_untouched(record("-o", "x", "true"))
        done = record("-o", "x", "no-such-command")
        self.assertEqual(done.returncode, 127)
        self.assertEqual(os.listdir(DIRECTORY.name), ["x"])
        self.assertIn("work", text("report", path("x")))

    def test_a_link_stays_a_link(self):
        os.symlink("x", path("link"))
        for _ in range(2):
            record("-o", "link", *CHILD, "write")
        self.assertEqual(os.readlink(path("link")), "x")
        self.assertEqual(sorted(os.listdir(DIRECTORY.name)), ["link", "x"])

    def test_nothing_is_lost_when_we_are_killed(self):
        record("-o", "x", *CHILD, "write")
        with subprocess.Popen(
                [VMPROF, "record", "-o", path("x"), *CHILD, "write",
                 "ready:" + path("ready"), "await:" + path("gone"),
                 "ready:" + path("done")],
                stderr=subprocess.DEVNULL) as process:
            wait_for(lambda: os.path.exists(path("ready")))
            process.kill()
        pathlib.Path(path("gone")).touch()
        wait_for(lambda: os.path.exists(path("done")))
        files = [name for name in os.listdir(DIRECTORY.name)
                 if name not in ("ready", "gone", "done")]
        self.assertEqual(len(files), 2)
        for name in files:
            self.assertRegex(name, r"^x(\.old\.\w{6})?$")
            self.assertIn("work", text("report", path(name)))


class Signals(unittest.TestCase):
    def start(self, *actions, before=False, **more):
        """Starts a recording, where there may be one before it, and waits until
        its child is ready."""
        for name in "ready", "x":
            if os.path.exists(path(name)):
                os.unlink(path(name))
        if before:
            record("-o", "x", *CHILD, "write")
        process = subprocess.Popen(
            [VMPROF, "record", "-o", path("x"), *CHILD, *actions,
             "ready:" + path("ready"), f"sleep:{DEADLINE}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        self.addCleanup(process.kill)
        wait_for(lambda: os.path.exists(path("ready")))
        return process

    def test_a_signal_to_us_alone_reaches_the_command(self):
        for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            process = self.start("write")
            process.send_signal(number)
            process.communicate(timeout=DEADLINE)
            # Python turns SIGINT into an exception, and dies of it.
            self.assertEqual(process.returncode, 128 + number)

    def test_a_signal_to_us_leaves_the_profile_that_was_there(self):
        for number in signal.SIGTERM, signal.SIGHUP:
            process = self.start("write-no-samples", before=True)
            process.send_signal(number)
            process.communicate(timeout=DEADLINE)
            names = os.listdir(DIRECTORY.name)
            self.assertEqual([n for n in names if n.startswith("x")], ["x"])
            self.assertIn("work", text("report", path("x")))

    def test_a_hangup_that_is_ignored_stays_so(self):
        process = self.start("write", f"trap:{int(signal.SIGHUP)}",
                             f"trap:{int(signal.SIGTERM)}",
                             preexec_fn=lambda: signal.signal(
                                 signal.SIGHUP, signal.SIG_IGN))
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.stdout.readline(), b"caught 15\n")
        self.assertIsNone(process.poll())

    def test_the_second_interrupt_terminates_a_command_that_stays(self):
        process = self.start("write", f"trap:{int(signal.SIGINT)}")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), b"caught 2\n")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertIn(b"6 samples", errors)

    def test_the_third_interrupt_kills(self):
        process = self.start("write", f"trap:{int(signal.SIGINT)}",
                             f"trap:{int(signal.SIGTERM)}")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), b"caught 2\n")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stdout.readline(), b"caught 15\n")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 128 + signal.SIGKILL)

    def test_the_command_s_signals_are_as_we_found_them(self):
        show = ["sh", "-c", "grep -E '^Sig(Blk|Ign)' /proc/self/status"]
        done = record("-o", path("x"), *show)
        bare = subprocess.run(show, stdout=subprocess.PIPE, check=True,
                              timeout=DEADLINE)
        self.assertEqual(usual_signals(done.stdout),
                         usual_signals(bare.stdout))

    def test_a_terminal_s_interrupt_reaches_the_command_once(self):
        leader, follower = os.openpty()
        process = subprocess.Popen(
            [VMPROF, "record", "-o", path("x"), *CHILD, "write",
             f"trap:{int(signal.SIGINT)}", "ready:" + path("tty"), "sleep:2"],
            stdin=follower, stdout=follower, stderr=follower,
            preexec_fn=lambda: (os.setsid(), take_terminal(follower)))
        self.addCleanup(process.kill)
        os.close(follower)
        wait_for(lambda: os.path.exists(path("tty")))
        os.write(leader, b"\x03")
        out = read_all(leader)
        process.wait(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(out.count(b"caught 2"), 1)
        self.assertRegex(out, rb"\r\x1b\[Kvmprof: \d+\.\d s, 6 samples, "
                              rb"\d+ bytes")
        self.assertTrue(re.search(rb"next: vmprof report", out))


def usual_signals(status):
    """Without 32 and 33, which the C library keeps for itself."""
    return [int(line.split()[1], 16) & ~(3 << 31)
            for line in status.decode().splitlines()]


def take_terminal(fd):
    import fcntl
    import termios
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


def read_all(fd):
    out = b""
    while True:
        try:
            more = os.read(fd, 65536)
        except OSError:  # the other end was closed
            break
        if not more:
            break
        out += more
    os.close(fd)
    return out


if __name__ == "__main__":
    tap.main()
