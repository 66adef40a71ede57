# SPDX-License-Identifier: MIT
"""A small vmprof log whose shares are known, and what reports say of one."""

from vmprof_log import CODE, LINES, MEMORY, PAIRS, Log

F, G, H = 8, 12, 16


def names(log):
    return log.name(F, "py:f:1:a.py").name(G, "py:g:5:a.py").name(
        H, "py:h:9:b.py")


def pairs(*frames):
    """From the outermost frame in."""
    return [word for frame in reversed(frames) for word in frame]


def demo(**how):
    """f calls g three times, h once; f itself once."""
    log = names(Log(**how))
    memory = 1000 if log.mode & MEMORY else None
    for inner in ([(CODE, G)], [(CODE, G)], [(CODE, H)], [(CODE, G)], []):
        frames = [(CODE, F)] + inner
        words = pairs(*frames)
        if not log.mode & PAIRS:
            words = words[1::2]
            if log.mode & LINES:
                words = [w for word in words for w in (word + 100, word)]
        log.stack(words, thread=7, memory=memory)
    return log.end()


def shares(result):
    return {row["function"]: (row["self_ns"], row["total_ns"])
            for row in result["functions"]}


DEMO_SHARES = {"f": (1000000, 5000000), "g": (3000000, 3000000),
               "h": (1000000, 1000000)}


def undamaged(result):
    damage = dict(result["damage"])
    return not damage.pop("repairs") and not any(damage.values())
