#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a C file of the page: one HTML with its style and scripts inside.

The policy in the page names the hashes of just these two, so a browser runs
nothing that a profile could smuggle in, and fetches nothing at all.
"""

import base64
import hashlib
import sys


def digest(text):
    raw = hashlib.sha256(text.encode()).digest()
    return "'sha256-" + base64.b64encode(raw).decode() + "'"


def c_array(name, text):
    # Plain char may be signed, so the page is ASCII alone.
    data = text.encode("ascii")
    lines = [
        "    " + ", ".join(str(byte) for byte in data[i:i + 16]) + ","
        for i in range(0, len(data), 16)
    ]
    return (f"const char {name}[] = {{\n" + "\n".join(lines) + "\n};\n"
            f"const size_t {name}_size = sizeof({name});\n")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main():
    output, page, style, *scripts = sys.argv[1:]
    css = "\n" + read(style)
    code = "\n" + "\n".join(read(script) for script in scripts)
    if "</" in css + code:
        sys.exit("embed.py: a style or script may not contain \"</\"")
    html = read(page)
    for mark, text in (("@STYLE_HASH@", digest(css)),
                       ("@SCRIPT_HASH@", digest(code)),
                       ("@STYLE@", css), ("@SCRIPT@", code)):
        if html.count(mark) != 1:
            sys.exit(f"embed.py: {page} must hold {mark} once")
        html = html.replace(mark, text)
    before, after = html.split("@DATA@")
    with open(output, "w", encoding="utf-8") as file:
        file.write('#include "view/page.h"\n\n')
        file.write(c_array("page_before_data", before))
        file.write("\n" + c_array("page_after_data", after))


if __name__ == "__main__":
    main()
