#!/usr/bin/env python3
"""Check that nothing in a library ends the process that it is in."""

import subprocess
import sys

ENDINGS = {"exit", "_exit", "_Exit", "quick_exit", "abort"}


def called_by(library):
    lines = subprocess.run(
        ["nm", "-D", "--undefined-only", "--format=posix", library],
        check=True, capture_output=True, text=True).stdout.splitlines()
    return {line.split()[0].split("@")[0] for line in lines}


def main():
    failed = False
    for library in sys.argv[1:]:
        called = called_by(library)
        if not called:
            failed = True
            print(f"{library}: says nothing of what it calls")
        for name in sorted(called & ENDINGS):
            failed = True
            print(f"{library}: calls {name}()")
    return failed


sys.exit(main())
