#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where names are found, and what is not believed.

    files.py VMPROF TARGET OTHER-BUILD
"""

import lzma
import os
import pathlib
import random
import re
import shutil
import socket
import sys
import tempfile
import unittest

from machine_code import (build_id, look_up, only, path, recording, run,
                          section, tap, text, vmprof)

TARGET, OTHER = map(os.path.abspath, sys.argv[2:])
del sys.argv[2:]


def symbol(file, name):
    """All addresses of a function."""
    found = re.search(rf"^([0-9a-f]+) ([0-9a-f]+) \w {name}$",
                      run("nm", "-S", file), re.M)
    return range(int(found[1], 16), int(found[1], 16) + int(found[2], 16))


OUTERMOST = symbol(TARGET, "outermost")
INSIDE = {name: function[len(function) // 2] for name, function in
          (("outermost", OUTERMOST),
           ("only_here", symbol(TARGET, "only_here")))}


def copy():
    """Of the target, in a directory of its own."""
    return shutil.copy(TARGET, os.path.join(
        tempfile.mkdtemp(dir=path(".")), "target"))


def beside(file, name):
    return os.path.join(os.path.dirname(file), name)


def names(frames):
    return [name for name, _, _ in frames]


def number(file, address):
    return f"{os.path.basename(file)}+{address:#x}"


class Found(unittest.TestCase):
    def test_debug_information_gives_lines_and_inlined_calls(self):
        found, said = look_up(TARGET, list(OUTERMOST))
        chains = {tuple(names(frames)) for frames in found.values()}
        self.assertIn(("innermost", "middle", "outermost"), chains)
        self.assertEqual({chain[-1] for chain in chains}, {"outermost"})
        for frames in found.values():
            for _, source, line in frames:
                self.assertEqual(os.path.basename(source), "target.c")
                self.assertTrue(6 < line < 31, line)
        self.assertEqual(said, "")

    def test_separate_information_is_found_by_its_link(self):
        file = copy()
        apart = beside(file, "apart")
        run("objcopy", "--only-keep-debug", file, apart)
        run("strip", "--strip-all", file)
        self.assertEqual(only(file, INSIDE["only_here"])[0],
                         [(number(file, INSIDE["only_here"]), "", 0)])
        run("objcopy", f"--add-gnu-debuglink={apart}", file)
        frames, _ = only(file, INSIDE["only_here"])
        self.assertEqual(names(frames), ["only_here"])
        self.assertGreater(frames[0][2], 30)

    def test_information_of_another_build_is_not_used(self):
        file = copy()
        other = shutil.copy(OTHER, beside(file, "target.debug"))
        run("strip", "--strip-all", file)
        run("objcopy", f"--add-gnu-debuglink={other}", file)
        self.assertEqual(only(file, INSIDE["outermost"])[0],
                         [(number(file, INSIDE["outermost"]), "", 0)])

    def test_a_compressed_table_of_symbols_is_read(self):
        file = copy()
        small = beside(file, "small")
        run("objcopy", "--only-keep-debug", file, small)
        run("strip", "--strip-debug", small)
        pathlib.Path(small + ".xz").write_bytes(lzma.compress(
            pathlib.Path(small).read_bytes()))
        run("strip", "--strip-all", file)
        run("objcopy", f"--add-section=.gnu_debugdata={small}.xz", file)
        self.assertEqual(only(file, INSIDE["only_here"])[0],
                         [("only_here", "", 0)])

    def test_without_debug_information_symbols_are_used(self):
        file = copy()
        run("strip", "--strip-debug", file)
        frames, _ = only(file, INSIDE["outermost"])
        self.assertEqual(frames, [("outermost", "", 0)])

    def test_an_address_between_functions_has_no_name(self):
        file = copy()
        run("strip", "--strip-debug", file)
        start, _ = section(file, ".init")
        frames, _ = only(file, start - 1)
        self.assertEqual(names(frames), [number(file, start - 1)])

    def test_a_name_of_5000_characters_is_shown(self):
        file = copy()
        name = "a" * 5000
        run("objcopy", f"--redefine-sym=only_here={name}", file)
        run("strip", "--strip-debug", file)
        self.assertEqual(names(only(file, INSIDE["only_here"])[0]), [name])
        self.assertIn(name, text("report", recording(
            file, [INSIDE["only_here"]])))

    def test_a_name_that_stands_for_gigabytes_stays_as_it_is(self):
        name = "_Z1f1AIiiE1BIS0_S0_E"
        for i in range(2, 34):
            digit = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]
            name += f"1BIS{digit}_S{digit}_E"
        file = copy()
        run("objcopy", f"--redefine-sym=only_here={name}", file)
        run("strip", "--strip-debug", file)
        frames, _ = only(file, INSIDE["only_here"])
        self.assertLess(len(frames[0][0]), 20000)

    def test_the_kernel_s_code_has_names(self):
        maps = pathlib.Path("/proc/self/maps").read_text()
        found = re.search(r"^(\w+)-(\w+) .*\[vdso\]$", maps, re.M)
        if not found:
            self.skipTest("this process has no vdso")
        start, end = int(found[1], 16), int(found[2], 16)
        with open("/proc/self/mem", "rb") as memory:
            memory.seek(start)
            image = path("vdso")
            pathlib.Path(image).write_bytes(memory.read(end - start))
        address = re.search(r"^(\w+) .* __vdso_clock_gettime",
                            run("nm", "-D", image), re.M)
        frames, said = only("[vdso]", int(address[1], 16),
                            ident=build_id(image))
        self.assertRegex(frames[0][0], "clock_gettime")
        self.assertEqual(said, "")


class NotUsed(unittest.TestCase):
    def check(self, file, reason, **more):
        frames, said = only(file, INSIDE["only_here"], **more)
        self.assertEqual(names(frames), [number(file, INSIDE["only_here"])])
        self.assertEqual(said.count("\n"), 1, said)
        self.assertIn(str(file), said)
        self.assertRegex(said, reason)

    def test_a_file_of_another_build_is_named_and_not_used(self):
        self.check(TARGET, "build id differs", ident=b"\1" * 20)

    def test_a_file_that_is_gone_is_named(self):
        self.check(path("gone"), "not there", ident=b"\1" * 20)

    def test_a_file_without_a_build_id_must_be_older(self):
        file = copy()
        run("objcopy", "--remove-section=.note.gnu.build-id", file)
        self.check(file, "changed after it ran", ident=b"")
        os.utime(file, (1600000000, 1600000000))
        frames, said = only(file, INSIDE["only_here"], ident=b"")
        self.assertIn("only_here", names(frames))
        self.assertEqual(said, "")
        self.check(file, "no build id", ident=b"\1" * 20)

    def test_what_is_no_file_is_not_opened(self):
        os.mkfifo(path("fifo"))
        self.check(path("fifo"), "not a regular file", ident=b"\1")
        self.check("[heap]", "no file", ident=b"\1")
        self.check("fifo", "no file", ident=b"\1")
        self.check("/dev/zero", "not a regular file", ident=b"\1")
        os.mkdir(path("directory"))
        self.check(path("directory"), "not a regular file", ident=b"\1")

    def test_what_is_no_elf_file_is_told(self):
        for content in b"", b"\x7fELF", b"text\n" * 100:
            pathlib.Path(path("no-elf")).write_bytes(content)
            self.check(path("no-elf"), "ELF", ident=b"\1")

    def test_a_reason_is_told_once_for_each_file(self):
        found, said = look_up(path("gone"), list(range(100, 400)),
                              ident=b"\1")
        self.assertEqual(len(found), 300)
        self.assertEqual(said.count("\n"), 1, said)

    def test_no_server_is_asked(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        file = copy()
        run("strip", "--strip-all", file)
        only(file, INSIDE["only_here"], env={"DEBUGINFOD_URLS": url})
        server.settimeout(0)
        self.assertRaises(BlockingIOError, server.accept)


class Hostile(unittest.TestCase):
    """Damaged files may have wrong names or none, and nothing worse."""

    def look_at(self, data):
        pathlib.Path(path("hostile")).write_bytes(data)
        os.utime(path("hostile"), (1600000000, 1600000000))
        done = vmprof("report", "--json", recording(
            path("hostile"), list(INSIDE.values()), ident=IDENT))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_cut_files(self):
        data = pathlib.Path(TARGET).read_bytes()
        for part in range(1, 20):
            self.look_at(data[:len(data) * part // 20])

    def test_damaged_files(self):
        data = pathlib.Path(TARGET).read_bytes()
        chosen = random.Random(2)
        for _ in range(DAMAGED):
            damaged = bytearray(data)
            for _ in range(chosen.choice((1, 10, 100, 1000))):
                damaged[chosen.randrange(len(data))] = chosen.randrange(256)
            self.look_at(bytes(damaged))


IDENT = build_id(TARGET)
DAMAGED = int(os.environ.get("VMPROF_TEST_DAMAGED", "60"))

if __name__ == "__main__":
    tap.main()
