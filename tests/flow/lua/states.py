#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Several states on several OS threads. The fourth argument is the host."""

import pathlib
import sys
import tempfile
import unittest

from lua import MODULE, Profile, run

HOST = sys.argv.pop(1)


class States(unittest.TestCase):
    def check(self, case, **variables):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory) / "profile"
            done = run(HOST, case, file, **variables)
            self.assertEqual(done.returncode, 0, done.stderr)
            return Profile(file)

    def test_states_are_closed_while_they_are_sampled(self):
        self.assertGreater(len(self.check("close").report["threads"]), 1)

    def test_a_state_outlives_its_thread_and_is_attached_again(self):
        self.check("leave")

    def test_of_two_states_on_a_thread_the_one_that_runs_is_seen(self):
        profile = self.check("nest")
        for function in ("inner", "outer_alone"):
            self.assertAlmostEqual(profile.share_of_stacks(function), 33,
                                   delta=10)

    def test_a_session_ends_with_the_state_that_began_it(self):
        self.check("first")

    def test_a_state_belongs_to_one_thread_at_a_time(self):
        self.check("refuse")

    def test_states_on_many_threads_tell_a_tool_of_each_call(self):
        path = (f"{pathlib.Path(MODULE).parent}/?.so;"
                f"{pathlib.Path(HOST).parent}/?.so;;")
        self.check("events", LUA_CPATH_5_4=path)


if __name__ == "__main__":
    unittest.main()
