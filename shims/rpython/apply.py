#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""apply.py TREE: let the RPython in TREE use librvmprof.

Changes five files below TREE/rpython and replaces two; README.md says which. A
tree in which anything is not as expected is left as it is.
"""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
RVMPROF = "rpython/rlib/rvmprof/"
INCLUDE = "#ifdef RPYTHON_VMPROF\n#  include <vmprof/rvmprof.h>\n#endif\n"


def page(name):
    """A file of ours without its comment at the top."""
    text = (HERE / name).read_text()
    return text[text.index("def make_eci"):]


# (file, what is there once, what takes its place)
CHANGES = [
    (RVMPROF + "cintf.py",
     r"def make_eci\(\):\n(?s:.*?)\nmake_eci\.called = False\n",
     lambda: page("cintf.py")),
    (RVMPROF + "cintf.py",
     r"    if sys\.platform\.startswith\('linux'\):\n"
     r"        configure_libbacktrace_linux\(\)\n\n"
     r"    eci, eci_kwds = make_eci\(\)\n(?s:.*?)\*\*eci_kwds\)\)\n",
     lambda: "    eci = make_eci()\n"),
    ("rpython/jit/backend/llsupport/src/codemap.c",
     r"RPY_EXTERN void vmprof_ignore_signals\(int ignored\);\n",
     lambda: "#include <vmprof/rvmprof.h>\n"),
    ("rpython/translator/c/src/threadlocal.c",
     r'#include "src/thread\.h"\n',
     lambda: '#include "src/thread.h"\n' + INCLUDE),
    ("rpython/translator/c/src/threadlocal.c",
     r"    tls->ready = 42;\n    _RPython_ThreadLocals_Release\(\);\n",
     lambda: "    tls->ready = 42;\n    _RPython_ThreadLocals_Release();\n"
             "#ifdef RPYTHON_VMPROF\n    vmprof_attach_vm_thread();\n#endif\n"),
]
COPIES = ["rvmprof.c", "rvmprof.h", "vmprof_stack.h"]


def changed(tree):
    """{path: text} of all that is to be written."""
    texts = {tree / RVMPROF / "src" / name: (HERE / "src" / name).read_text()
             for name in COPIES}
    for name, pattern, put in CHANGES:
        path = tree / name
        text = texts.get(path) or path.read_text()
        found = len(re.findall(pattern, text))
        if found != 1:
            sys.exit(f"{path}: {found} places, not one, look like:\n{pattern}")
        texts[path] = re.sub(pattern, lambda _: put(), text)
    return texts


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    tree = pathlib.Path(sys.argv[1])
    if "librvmprof" in (tree / RVMPROF / "cintf.py").read_text():
        sys.exit(f"{tree}: uses librvmprof already")
    for path, text in changed(tree).items():
        path.write_text(text)
        print(path)


main()
