# SPDX-License-Identifier: MIT
"""stock.py FILE: what vmprof-python reads in a vmprof log, as JSON. Run by the
Python that has it installed."""

import json
import sys

import vmprof


def walk(node, rows, depth=0):
    rows.append([depth, node.name, node.count,
                 {str(line): count for line, count in node.lines.items()}])
    for child in node.children.values():
        walk(child, rows, depth + 1)


stats = vmprof.read_profile(sys.argv[1])
tree = []
walk(stats.get_tree(), tree)
json.dump({
    "samples": [[list(map(int, profile[0])), profile[1], profile[2],
                 profile[3]] for profile in stats.profiles],
    "names": {str(ident): name for ident, name in stats.adr_dict.items()},
    "lines": stats.profile_lines,
    "memory": stats.profile_memory,
    "interp": stats.interp,
    "meta": stats.meta,
    "runtime_us": stats.get_runtime_in_microseconds(),
    "tree": tree,
}, sys.stdout)
