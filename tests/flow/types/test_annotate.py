#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof types --annotate: source lines with their types beside them."""

import os
import pathlib
import unittest

from common import (ADD, INT, STR, path, profile, site, tap, text, vmprof,
                    vmprof_file, write)

DEMO = vmprof_file.types_demo().bytes()
SOURCE = "".join(f"-- {i}\n" for i in range(1, 10)) + """\
function work(point, n)
\ttotal = point.x + n
  return total + total
  unseen(total)
end
"""


def source(name="demo.toy", content=SOURCE):
    os.makedirs(os.path.dirname(path(name)), exist_ok=True)
    pathlib.Path(path(name)).write_bytes(
        content if isinstance(content, bytes) else content.encode())
    return path(name)


def annotate(file, *options, data=DEMO):
    shown = text("types", "--annotate", file, *options, write(data))
    return shown.split("\n\n", 1)[1].splitlines()


class Annotate(unittest.TestCase):
    def test_types_stand_beside_their_lines(self):
        self.assertEqual(annotate(source())[10:], [
            "              10  function work(point, n)",
            "  150,000     11          total = point.x + n  "
            "LOAD mono  Point 100%",
            "                                               "
            "ADD poly  (int, int) 81.2%  (float, int) 18.8%",
            "   40,000     12    return total + total       "
            "ADD mega  (int, <NULL>) 40.0%  (str, str) 20.0%  "
            "(float, float) 10.0%  (list, list) 10.0%  <other> 20.0%",
            "              13    unseen(total)              CALL unseen",
            "              14  end"])
        self.assertEqual(annotate(source())[:2], [
            "Bytecodes   Line  Source                       Types",
            "               1  -- 1"])

    def test_the_file_is_found_by_the_end_of_its_path(self):
        codes = [(1, "toy:a:1:/srv/app/lib/x.toy"),
                 (2, "toy:b:1:/srv/app/test/x.toy")]
        data = profile([site(1, (1, 1), 1, ADD, tuples=[((INT,), 1)]),
                        site(2, (1, 1), 1, ADD, tuples=[((STR,), 1)])],
                       codes=codes)
        self.assertIn("int", annotate(source("home/lib/x.toy"), data=data)[1])
        self.assertIn("str", annotate(source("test/x.toy"), data=data)[1])
        other = source("other.toy")
        done = vmprof("types", "--annotate", other, write(data))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"it has those of /srv/app/lib/x.toy, "
                      b"/srv/app/test/x.toy; see --source-name", done.stderr)
        shown = annotate(other, "--source-name", codes[1][1].split(":")[3],
                         data=data)
        self.assertIn("str", shown[1])

    def test_a_name_that_fits_none_does_not_act_on_a_terminal(self):
        done = vmprof("types", "--annotate", "\x1b[2J\n.toy",
                      write(DEMO, "\x1b[1m.vmprof"))
        self.assertIn(b"\\x1B[1m.vmprof has no types of \\x1B[2J\\x0A.toy; ",
                      done.stderr)

    def test_a_name_that_only_ends_alike_is_another_file(self):
        done = vmprof("types", "--annotate", source("mydemo.toy"),
                      write(DEMO))
        self.assertEqual(done.returncode, 1)

    def test_long_lines_have_their_types_below(self):
        long = "x = " + "a + " * 30 + "b"
        data = profile([site(2, (1, 1), 1, ADD, tuples=[((INT,), 1)])])
        shown = annotate(source(content=long + "\n"), data=data)
        self.assertEqual(shown[1], "        1      1  " + long)
        self.assertEqual(shown[2].split(), ["ADD", "mono", "int", "100%"])

    def test_sites_behind_the_last_line_are_told(self):
        done = vmprof("types", "--annotate", source(content="one line\n"),
                      write(DEMO))
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"5 sites are on lines behind the last", done.stderr)

    def test_bytes_that_are_no_text_do_no_harm(self):
        shown = "\n".join(annotate(source(
            content=b"\x1b[2J\xff\r\n\0rest\n")))
        self.assertIn("\\x1B[2J\\xFF", shown)

    def test_a_carriage_return_within_a_line_does_not_end_it(self):
        self.assertEqual(annotate(source(content=b"x\ry = 1\r\n"))[1].split(),
                         ["1", "x\\x0Dy", "=", "1"])

    def test_kinds_and_functions_can_be_chosen(self):
        shown = "\n".join(annotate(source(), "-k", "poly"))
        self.assertIn("ADD poly", shown)
        self.assertNotIn("LOAD", shown)
        self.assertNotIn("ADD", "\n".join(annotate(source(), "-f", "leaf")))

    def test_a_source_that_cannot_be_read_is_an_error(self):
        done = vmprof("types", "--annotate", path("nowhere/demo.toy"),
                      write(DEMO))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"cannot be read: No such file", done.stderr)

    def test_a_source_is_a_file(self):
        for other in (path("."), "/dev/zero", "/dev/stdin"):
            done = vmprof("types", "--annotate", other, "--source-name",
                          "demo.toy", write(DEMO), stdin=SOURCE.encode())
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"is not a file, and --annotate needs one",
                          done.stderr)


if __name__ == "__main__":
    tap.main()
