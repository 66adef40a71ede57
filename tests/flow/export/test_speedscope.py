#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""vmprof convert --to speedscope: what its schema asks for, and the sums."""

import collections
import json

import command
import stacks
from stacks import CODE

import tap


class Speedscope(command.CommandTest):
    def convert(self):
        self.succeed("convert", "a.vmprof", "--to", "speedscope")
        with open(self.path("a.speedscope.json"), encoding="utf-8") as file:
            return json.load(file)

    def small(self):
        stacks.small(self.path("a.vmprof"))
        return self.convert()

    def test_has_all_that_the_schema_asks_for(self):
        document = self.small()
        self.assertEqual(document["$schema"],
                         "https://www.speedscope.app/file-format-schema.json")
        self.assertEqual(document["name"], "demo")
        frames = document["shared"]["frames"]
        for frame in frames:
            self.assertTrue(frame["name"])
            self.assertLessEqual(set(frame), {"name", "file", "line"})
        for profile in document["profiles"]:
            self.assertEqual(set(profile), {
                "type", "name", "unit", "startValue", "endValue", "samples",
                "weights"})
            self.assertEqual(profile["type"], "sampled")
            self.assertEqual(profile["unit"], "microseconds")
            self.assertEqual(len(profile["samples"]),
                             len(profile["weights"]))
            self.assertEqual(profile["endValue"] - profile["startValue"],
                             sum(profile["weights"]))
            for stack in profile["samples"]:
                for index in stack:
                    self.assertIn(index, range(len(frames)))

    def test_every_thread_has_its_time(self):
        profiles = self.small()["profiles"]
        self.assertEqual({p["name"]: p["endValue"] for p in profiles},
                         {"main (thread 100)": 1000000,
                          "worker (thread 101)": 500000})

    def test_cpu_time_without_a_sample_stands_at_the_end(self):
        stacks.unsampled(self.path("a.vmprof"))
        document = self.convert()
        frames = [f["name"] for f in document["shared"]["frames"]]
        self.assertEqual(
            [([[frames[i] for i in stack] for stack in p["samples"]],
              p["weights"]) for p in document["profiles"]],
            [([["main"], ["[unsampled]"]], [7000, 500]),
             ([["[unsampled]"]], [20])])

    def test_stacks_keep_their_order_and_weight(self):
        document = self.small()
        frames = document["shared"]["frames"]
        main = document["profiles"][0]
        rows = [(";".join(frames[i]["name"] for i in stack), weight)
                for stack, weight in zip(main["samples"], main["weights"])]
        half = [("main", 50000), ("main;work", 150000),
                ("main;work;sort", 150000), ("main;work;memcpy", 50000),
                ("main;work", 100000)]
        self.assertEqual(rows, half * 2)

    def test_functions_of_one_name_stay_apart(self):
        frames = self.small()["shared"]["frames"]
        places = collections.defaultdict(set)
        for frame in frames:
            places[frame["name"]].add((frame.get("file"), frame.get("line")))
        self.assertEqual(places["work"], {("app.toy", 10), ("other.toy", 20)})
        self.assertEqual(places["memcpy"], {("libc.so.6", None)})

    def test_hostile_names_are_still_json(self):
        names = [b'"', b"\\", b"\n\t\0\x1f"[:2], b"\xff\xc3", b"</script>",
                 "\u2028".encode(), b"{}" * 5000]
        recording = stacks.Recording()
        thread = recording.thread(b'"\\\xff', 1)
        for name in names:
            recording.add(thread, [((name, b'"\xff', 1), CODE, 1)], 1)
        recording.write(self.path("a.vmprof"))
        document = self.convert()
        found = {frame["name"] for frame in document["shared"]["frames"]}
        self.assertLessEqual({'"', "\\", "\ufffd\ufffd", "</script>",
                              "\ufffd", "{}" * 5000}, found)
        self.assertEqual(document["profiles"][0]["name"],
                         '"\\\ufffd (thread 1)')


if __name__ == "__main__":
    tap.main()
