#!/usr/bin/env python3
# SPDX-License-Identifier: MIT

"""Events of lines, of the ways through them, and of memory."""

import unittest

from told import Events

FLOW = "branch_taken,branch_not_taken,jump,back_edge"


class Lines(Events):
    def test_loops_begin_their_line_at_each_turn(self):
        self.expect("line", """\
let i = 0
while i < 3 {
    i = i + 1
    if i == 2 {
        continue
    }
    for k in 0..2 { if k == i { break } }
}
""", """
            line <main>:1
            line <main>:2
            line <main>:3
            line <main>:4
            line <main>:7
            line <main>:7
            line <main>:2
            line <main>:3
            line <main>:4
            line <main>:5
            line <main>:2
            line <main>:3
            line <main>:4
            line <main>:7
            line <main>:7
            line <main>:7
            line <main>:2
            """)

    def test_conditions_of_else_if_have_lines_of_their_own(self):
        self.expect("line", """\
fn sign(x) {
    if x > 0 {
        return 1
    } else if x < 0 {
        return 0 - 1
    } else {
        x = 0
    }
    return x
}
sign(1) sign(0)
""", """
            line <main>:11
            line sign:2
            line sign:3
            line sign:2
            line sign:4
            line sign:7
            line sign:9
            """)

    def test_a_line_is_told_of_once_however_much_is_on_it(self):
        self.expect("line,call", """\
fn f(x) { return x }
let a = f(1) + f(2); f(3)
""", """
            call <main>:1(list)
            line <main>:2
            call f:1(1)
            line f:1
            call f:1(2)
            line f:1
            call f:1(3)
            line f:1
            """)

    def test_lines_can_show_the_variables_that_there_are(self):
        self.expect("line", """\
fn f(a, b) {
    let c = a + b
    if c > 2 {
        let d = "inner"
        d = [d]
    }
    return c
}
f(1, 2)
""", """
            line <main>:9 (list)
            line f:2 (1, 2)
            line f:3 (1, 2, 3)
            line f:4 (1, 2, 3)
            line f:5 (1, 2, 3, "inner")
            line f:7 (1, 2, 3)
            """, "-X", "events-locals")

    def test_a_place_that_was_disabled_is_told_of_once(self):
        self.expect("line,back_edge", """\
for i in 0..100 {
    if i % 50 == 0 {
        i = 0
    }
}
""", """
            line <main>:1
            line <main>:2
            line <main>:3
            back_edge <main>:5 +22 to +4
            line <main>:1
            """, "-X", "events-once")


class Flow(Events):
    def test_branches_and_jumps_say_where_they_go(self):
        # 0 GET x, 1 INT 0, 2 GREATER, 3 JUMP_IF_FALSE 7, 4 INT 1, 5 RETURN,
        # 6 JUMP 9, 7 INT 2, 8 RETURN, 9 NIL, 10 RETURN
        self.expect(FLOW, """\
fn f(x) {
    if x > 0 { return 1 } else { return 2 }
}
f(1) f(0)
""", """
            branch_not_taken f:2 +3 to +4
            branch_taken f:2 +3 to +7
            """)

    def test_a_loop_goes_back_and_break_jumps(self):
        # 0 JUMP 1, which is none, 1 TRUE, 2 JUMP_IF_FALSE 12, 3 GET n, 4 INT 1,
        # 5 EQUAL, 6 JUMP_IF_FALSE 8, 7 JUMP 12, 8 INT 1, 9 SET n, 10 LOOP 1
        self.expect(f"{FLOW},line", """\
fn f(n) {
    while true {
        if n == 1 { break }
        n = 1
    }
}
f(0)
""", """
            line <main>:7
            line f:2
            branch_not_taken f:2 +2 to +3
            line f:3
            branch_taken f:3 +6 to +8
            line f:4
            back_edge f:5 +10 to +1
            line f:2
            branch_not_taken f:2 +2 to +3
            line f:3
            branch_not_taken f:3 +6 to +7
            jump f:3 +7 to +11
            """)

    def test_and_and_or_are_branches(self):
        # GET a, AND 4, POP-less GET b, ...
        self.expect(FLOW, """\
fn f(a, b) { return a and b or 7 }
f(false, 1)
f(2, 3)
""", """
            branch_taken f:1 +1 to +3
            branch_not_taken f:1 +3 to +4
            branch_not_taken f:1 +1 to +2
            branch_taken f:1 +3 to +5
            """)

    def test_every_instruction_is_told_of_in_order(self):
        self.expect("instruction,call,return", """\
fn f(x) {
    return x * 2
}
f(4)
""", """
            call <main>:1(list)
            instruction <main>:4 +0
            instruction <main>:4 +1
            instruction <main>:4 +2
            call f:1(4)
            instruction f:2 +0
            instruction f:2 +1
            instruction f:2 +2
            instruction f:2 +3
            return f:2 = 8
            instruction <main>:4 +3
            instruction <main>:4 +4
            instruction <main>:4 +5
            return <main>:4 = nil
            """)


class Memory(Events):
    def test_what_is_made_and_freed(self):
        self.expect("allocation,free,gc_start,gc_end", """\
fn make() {
    let o = {a: [1]}
    return "x" + "y"
}
make()
gc()
""", """
            allocation make:2 object
            allocation make:2 list
            allocation make:3 string
            gc_start <main>:6
            free <main>:6 string
            free <main>:6 list
            free <main>:6 object
            gc_end <main>:6
            """)

    def test_a_collection_that_is_due_is_told_of_where_it_happens(self):
        lines = self.told("gc_start,gc_end", """\
fn waste(n) {
    for i in 0..n {
        [i]
    }
}
waste(200000)
""")
        self.assertGreater(len(lines), 4)
        self.assertEqual(lines[::2], ["gc_start waste:3"] * (len(lines) // 2))
        self.assertEqual(lines[1::2], ["gc_end waste:3"] * (len(lines) // 2))


if __name__ == "__main__":
    unittest.main()
