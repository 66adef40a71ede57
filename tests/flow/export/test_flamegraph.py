#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof flamegraph: the page as a file. flamegraph.mjs looks at it."""

import base64
import hashlib
import html.parser
import json
import os
import pathlib
import re

import command
import stacks
from stacks import CODE

import tap

HOSTILE = ["</script><script>alert(1)</script>", "<!--", "<img src=x>",
           '"];alert(1);//', "\u2028", "\u202eabc", "]]>", "&lt;", "'\\"]


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.elements, self.scripts, self.styles = [], [], []
        self.policy = None
        self.inside = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append((tag, attributes))
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        self.inside = tag
        if tag == "script":
            self.scripts.append("")
        if tag == "style":
            self.styles.append("")

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data
        if self.inside == "style":
            self.styles[-1] += data

    def data(self):
        return json.loads(self.scripts[0])


class Flamegraph(command.CommandTest):
    def page(self, *options):
        self.succeed("flamegraph", "a.vmprof", *options)
        with open(self.path("a.html"), encoding="utf-8", newline="") as file:
            return Page(file.read())

    def small(self, *options):
        stacks.small(self.path("a.vmprof"))
        return self.page(*options)

    def test_sums_per_thread_are_the_recording_s(self):
        data = self.small().data()
        totals = {}
        for thread in data["threads"]:
            totals[thread["name"]] = sum(thread["ns"]), sum(thread["samples"])
            self.assertEqual(len(thread["ns"]), len(thread["nodes"]))
        self.assertEqual(totals, {"main": (1000000000, 12),
                                  "worker": (500000000, 6)})
        for node, distance in enumerate(data["parents"], 1):
            self.assertIn(node - distance, range(node))

    def test_the_policy_allows_this_page_alone(self):
        page = self.small()
        for content in page.scripts[1:] + page.styles:
            digest = hashlib.sha256(content.encode()).digest()
            self.assertIn("sha256-" + base64.b64encode(digest).decode(),
                          page.policy)
        self.assertIn("default-src 'none'", page.policy)
        self.assertNotIn("unsafe", page.policy)
        self.assertNotIn("http", page.policy)

    def test_nothing_points_to_the_network(self):
        page = self.small()
        for tag, attributes in page.elements:
            for name in ("src", "href", "action", "srcset"):
                self.assertIn(attributes.get(name, "data:,"), ("data:,",))
        for code in page.scripts[1:] + page.styles:
            self.assertIsNone(re.search(
                r"https?:|url\(|@import|fetch\(|XMLHttpRequest|innerHTML"
                r"|document\.write|\beval\(", code))

    def test_the_title_can_be_given(self):
        self.assertEqual(self.small().data()["title"], "demo")
        page = self.small("--title", "</script> & more")
        self.assertEqual(page.data()["title"], "</script> & more")

    def test_hostile_names_stay_in_their_strings(self):
        recording = stacks.Recording(program="</title><script>")
        thread = recording.thread("</script>", 1)
        names = [name.encode() for name in HOSTILE]
        for name in names + [b"\xff\xfe", b"x" * 10000, b"a\nb"]:
            recording.add(thread, [((name, name, 1), CODE, 1)], 5)
        recording.write(self.path("a.vmprof"))
        page = self.page()
        self.assertEqual(len(page.scripts), 2)
        data = page.data()
        names = [function[0] for function in data["functions"]]
        shown = [re.sub("[\u2028\u202e]", "\ufffd", name) for name in HOSTILE]
        for name in shown + ["\ufffd\ufffd", "x" * 10000, "a\ufffdb"]:
            self.assertIn(name, names)
        self.assertEqual(data["title"], "</title><script>")
        self.assertNotIn("<", page.scripts[0])

    def test_cpu_time_without_samples_is_shown_as_such(self):
        stacks.unsampled(self.path("a.vmprof"))
        data = self.page().data()
        self.assertEqual({thread["name"]: sorted(thread["ns"])
                          for thread in data["threads"]},
                         {"main": [500000, 7000000], "idle": [20000]})

    def test_losses_reach_the_page(self):
        recording = stacks.Recording()
        recording.add(recording.thread("t", 1), [(stacks.MAIN, CODE, 1)], 5)
        recording.write(self.path("a.vmprof"), expirations=11, ring_full=4,
                        busy=3, walker=2, overrun=7, switching=1, stacks_cut=6,
                        frames_cut=60, unwritten=5)
        data = self.page().data()
        names = ("due", "lost", "lostRingFull", "lostBusy", "lostSwitching",
                 "unwritten", "mergedByWalker", "mergedLate", "stacksCut",
                 "framesCut")
        self.assertEqual([data[name] for name in names],
                         [11, 13, 4, 3, 1, 5, 2, 7, 6, 60])


class Source(command.CommandTest):
    """The lines of the program beside its loops, from below a directory."""

    def write_profile(self, files):
        native = stacks.native
        s = native.Session(program="sources")
        s.codes([(number, f"toy:f:1:{name}")
                 for number, name in enumerate(files, 1)])
        s.traces(
            native.trace(1, name="loop", kind=native.LOOP, code=1, line=2),
            native.places(1, [(number, 0, 2, 0)
                              for number, _ in enumerate(files, 1)]))
        s.frames(1, [(1, native.TRACE, None, 0)])
        s.nodes(1, [(0, 1)])
        s.thread(0)
        s.samples(0, [(1, 100, 100)])
        with open(self.path("a.vmprof"), "wb") as file:
            file.write(s.bytes())

    def write(self, name, text="first\n\tsecond\n"):
        path = pathlib.Path(self.path(name))
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def page(self, *options):
        run = self.succeed("flamegraph", "a.vmprof", *options)
        with open(self.path("a.html"), encoding="utf-8", newline="") as file:
            return Page(file.read()).data()["jit"], run.stderr

    def test_lines_are_those_of_files_below_the_directory(self):
        inside = self.write("below/in.toy")
        outside = self.write("out.toy", "no\nsecret\n")
        os.mkfifo(self.path("below/pipe.toy"))
        os.symlink(outside, self.path("below/link.toy"))
        bad = ["../out.toy", outside.replace(":", "%3A"), "pipe.toy",
               "link.toy", "below", "nothing.toy", "/"]
        self.write_profile(["in.toy", inside, "in.toy/x", *bad])
        jit, said = self.page("--source", "below")
        self.assertEqual(jit["source"], {"in.toy": {"2": " second"},
                                         inside: {"2": " second"}})
        self.assertEqual(said.count(b"is not shown"), len(bad) + 1)
        self.assertIn(b"below below: it does not lie there", said)

    def test_without_a_directory_no_file_is_read(self):
        self.write("in.toy")
        self.write_profile(["in.toy"])
        jit, said = self.page()
        self.assertNotIn("source", jit)
        self.assertNotIn(b"source", said)


if __name__ == "__main__":
    tap.main()
