#!/usr/bin/env python3
"""readme.py ROOT [VMPROF]: the pages name only what exists.

 - examples/hello.c stands in README.md exactly as it is in the file
 - scripts and files that a page names are there
 - a test named "`NAME` in `FILE`" is in that file
 - subcommands and options that a page gives to vmprof are in its --help
"""

import pathlib
import re
import subprocess
import sys

root = pathlib.Path(sys.argv[1])
vmprof = sys.argv[2] if len(sys.argv) > 2 else None
PAGES = ["README.md", "CONTRIBUTING.md", "doc/embedding.md", "doc/design.md",
         "doc/jit.md", "doc/types.md", "shims/rpython/README.md"]
NAMED_FILE = re.compile(r"`((?:script|examples|tests|doc|bench|shims|include|"
                        r"lib|tools|subprojects)/[\w./-]*)`")
NAMED_TEST = re.compile(r"`(\w+)` in `(tests/[\w./-]+)`")
LINK = re.compile(r"\]\(([^)#:]+)\)")
COMMAND = re.compile(r"\bvmprof (record|report|flamegraph|convert|info|[a-z]+)"
                     r"((?: [^\s`|]+)*)")
found = []


def help_of(*words):
    run = subprocess.run([vmprof, *words, "--help"], capture_output=True,
                         text=True, timeout=20)
    return run.stdout + run.stderr if run.returncode == 0 else ""


def code_of(text):
    """Code spans and code blocks of a page, one string each."""
    yield from re.findall(r"^```\w*\n(.*?)^```$", text, re.M | re.S)
    yield from re.findall(r"`([^`\n]+)`", re.sub(
        r"^```.*?^```$", "", text, flags=re.M | re.S))


def check_files(page, text):
    for name in NAMED_FILE.findall(text):
        if not (root / name).exists():
            found.append(f"{page}: there is no {name}")
    for test, name in NAMED_TEST.findall(text):
        path = root / name
        if path.exists() and test not in path.read_text():
            found.append(f"{page}: there is no {test} in {name}")
    for name in LINK.findall(text):
        if not ((root / page).parent / name).exists():
            found.append(f"{page}: the link to {name} leads nowhere")


def check_commands(page, text):
    helps = {}
    for code in code_of(text):
        for line in code.splitlines():
            if not re.match(r"(\$ )?vmprof ", line):
                continue
            subcommand, rest = COMMAND.search(line).groups()
            if subcommand not in helps:
                helps[subcommand] = help_of(subcommand)
            if not helps[subcommand]:
                found.append(f"{page}: vmprof {subcommand} does not exist")
                continue
            for option in rest.split(" -- ")[0].split():
                name = option.split("=")[0]
                if re.fullmatch(r"-[A-Za-z]|--[a-z][a-z-]+", name) and \
                        not re.search(re.escape(name) + r"(?![a-z-])",
                                      helps[subcommand]):
                    found.append(f"{page}: vmprof {subcommand} has no {name}")


def check_hello(text):
    hello = (root / "examples/hello.c").read_text()
    if hello not in text:
        found.append("README.md: the quote of examples/hello.c is not what "
                     "the file says")


for page in PAGES:
    text = (root / page).read_text()
    check_files(page, text)
    if vmprof:
        check_commands(page, text)
check_hello((root / "README.md").read_text())
print("\n".join(found) or "the pages name only what exists")
sys.exit(bool(found))
