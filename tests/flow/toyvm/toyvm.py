# SPDX-License-Identifier: MIT

"""What the tests of the toy VM share: running it."""

import pathlib
import subprocess
import sys
import tempfile

TOYVM = pathlib.Path(sys.argv.pop(1)).resolve()
PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
HERE = pathlib.Path(__file__).resolve().parent


def run(*arguments, timeout=240, **options):
    return subprocess.run([TOYVM, *map(str, arguments)], capture_output=True,
                          timeout=timeout, **{"text": True, **options})


def run_source(source, *options, **settings):
    """Run a program; in messages its file is called test.toy."""
    with tempfile.TemporaryDirectory() as directory:
        data = source if isinstance(source, bytes) else source.encode()
        (pathlib.Path(directory) / "test.toy").write_bytes(data)
        return run(*options, "test.toy", cwd=directory, **settings)
