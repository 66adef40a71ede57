# SPDX-License-Identifier: MIT
"""What the tests of the exports share: running vmprof in a directory of its
own. The first argument of a test is the command."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent /
                       "support"))

VMPROF = os.path.abspath(sys.argv[1])


class CommandTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def path(self, name):
        return str(self.directory / name)

    def run_vmprof(self, *arguments, **options):
        settings = {"capture_output": True, "cwd": self.directory,
                    "timeout": 120}
        return subprocess.run([VMPROF, *arguments], **(settings | options))

    def succeed(self, *arguments, **options):
        run = self.run_vmprof(*arguments, **options)
        self.assertEqual(run.returncode, 0, (arguments, run.stderr))
        return run

    def fail_with(self, code, *arguments, **options):
        """Runs, and returns what it said."""
        run = self.run_vmprof(*arguments, **options)
        self.assertEqual(run.returncode, code, (arguments, run.stderr))
        return (run.stderr or b"").decode()

    def files(self):
        return sorted(os.listdir(self.directory))
