# SPDX-License-Identifier: MIT

"""Random programs of the toy VM's language that end soon and mean the same each
time: loops, calls, exceptions, coroutines, and values of all types in all
places."""

import random

# Fuel ends what would go on for long, clip() what would grow.
HEAD = """\
fn clip(x) {
    if type(x) == "string" { if len(x) > 60 { return "long" } }
    if type(x) == "list" { return len(x) }
    return x
}
fn burn(g) {
    g.fuel = g.fuel - 1
    if g.fuel < 0 { throw "no fuel" }
}
"""


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = []
        self.names = []
        self.depth = 0
        self.made = 0

    def pick(self, *choices):
        return self.random.choice(choices)

    def say(self, line):
        self.lines.append("    " * self.depth + line)

    def literal(self):
        """Seldom what an operator cannot do with a number."""
        if self.random.random() < 0.04:
            return self.pick("\"a\"", "\"bc\"", "nil", "l", "g", "o", "false",
                             "9223372036854775807")
        return self.pick(str(self.random.randrange(-3, 12)),
                         str(self.random.randrange(9)), "0.5", "2.25", "7.0")

    def condition(self, depth=0):
        a = self.expression(depth + 1)
        b = self.expression(depth + 1)
        return self.random.choices([
            f"({a} {self.pick('<', '<=', '>', '>=', '==', '!=')} {b})",
            f"({self.pick('i', 'a', 'c')} % {self.pick(2, 3, 5)} == 0)",
            f"({a} and {b} or {a} == {b})",
            f"(not {a})"], [6, 8, 1, 1])[0]

    def expression(self, depth=0):
        if depth > 2 or self.random.random() < 0.25:
            return self.pick(self.literal(), *self.names, *self.names)
        a = self.expression(depth + 1)
        b = self.expression(depth + 1)
        return self.random.choices([
            f"({a} {self.pick('+', '-', '*')} {b})",
            f"({a} {self.pick('/', '%')} {self.pick(b, '3', '7', '2.5')})",
            f"({self.condition(depth + 1)} and {a} or {b})",
            f"(-{self.pick('a', '3', 'b')})",
            f"l[{self.pick('i % 3', '0', '1', '2', '-1 + 1')}]",
            f"o.{self.random.choices(['x', 'y', 'z'], [20, 20, 1])[0]}",
            self.call(a, b),
            f"{self.pick('float', 'type', 'str')}({a})",
        ], [40, 8, 4, 2, 8, 6, 10, 1])[0]

    def call(self, a, b):
        if not self.made:
            return a
        callee = self.pick(f"f{self.random.randrange(self.made)}",
                           f"f{self.random.randrange(self.made)}",
                           "fs[i % len(fs)]")
        return f"{callee}(g, fs, clip({a}), clip({b}))"

    def assignment(self):
        value = f"clip({self.expression()})"
        place = self.random.choices(
            ["a", "b", "c", f"l[{self.random.choices(['0', '1', 'i', 'i % 3'], [9, 9, 1, 9])[0]}]",
             f"o.{self.pick('x', 'y')}"], [8, 8, 8, 3, 3])[0]
        self.say(f"{place} = {value}")

    def block(self, head, statements):
        self.say(head + " {")
        self.depth += 1
        for _ in range(statements):
            self.statement()
        self.depth -= 1
        self.say("}")

    def loop(self):
        name = f"i{self.depth}"
        turns = self.random.randrange(4, 25)
        if self.random.random() < 0.7:
            head = f"for {name} in 0..{turns}"
        else:
            self.say(f"let {name} = 0")
            head = f"while {name} < {turns}"
        self.say(head + " {")
        self.depth += 1
        if head.startswith("while"):
            self.say(f"{name} = {name} + 1")
        self.say("burn(g)")
        self.say(f"i = {name}")
        for _ in range(self.random.randrange(1, 4)):
            self.statement()
        if self.random.random() < 0.2:
            self.say(f"if {self.condition()} {{ {self.pick('break', 'continue')}"
                     " }")
            self.assignment()
        self.depth -= 1
        self.say("}")

    def branch(self):
        self.block(f"if {self.condition()}", self.random.randrange(1, 3))
        if self.random.random() < 0.5:
            self.lines[-1] += " else {"
            self.depth += 1
            self.statement()
            self.depth -= 1
            self.say("}")

    def attempt(self):
        self.block("try", self.random.randrange(1, 3))
        self.lines[-1] += " catch e { c = clip(e) }"

    def coroutine(self):
        if not self.made:
            return self.assignment()
        self.say(f"let t = spawn(f{self.random.randrange(self.made)}, g, fs, "
                 "clip(a), 2)")
        self.say("while not done(t) { burn(g) c = clip(resume(t, i)) }")

    def rare(self):
        self.say(self.pick(
            f"print(clip({self.expression()}))",
            f"if i % 7 == 6 {{ throw {self.pick('a', 'i')} }}",
            f"if {self.condition()} {{ return clip({self.expression()}) }}",
            "jit_invalidate(fs[0])", "gc()", "push(l, a)",
            "if len(l) > 4 { pop(l) }", "o = {x: a, y: 2}"))

    def statement(self):
        if self.depth > 5:
            return self.assignment()
        self.random.choices(
            [self.assignment, self.loop, self.branch, self.attempt, self.rare,
             self.coroutine], [50, 14, 16, 6, 10, 2])[0]()

    def function(self):
        self.names = ["a", "b", "c", "i"]
        self.say(f"fn f{self.made}(g, fs, a, b) {{")
        self.depth += 1
        self.say("burn(g)")
        self.say("let c = 1 let i = 0 let l = [1, 2.5, a] let o = {x: 1, y: b}")
        for _ in range(self.random.randrange(2, 6)):
            self.statement()
        self.say(f"return clip({self.expression()})")
        self.depth -= 1
        self.say("}")
        self.made += 1

    def program(self, functions=8):
        for _ in range(functions):
            self.function()
        # Whatever they throw, they are called often enough to be compiled.
        self.say("let fs = [%s]" % ", ".join(f"f{n}" for n in range(3)))
        for number in range(functions):
            self.say(f"let g{number} = {{fuel: 3000}}")
            self.say("for n in 0..12 { try {")
            self.say(f"print({number}, n, f{number}(g{number}, fs, n, "
                     f"{self.pick('2', '0.5', 'n', 'str(n)')}))")
            self.say("} catch e { print(\"caught\", clip(e)) } }")
        return HEAD + "\n".join(self.lines) + "\n"


def program(seed):
    return Generator(seed).program()
