# SPDX-License-Identifier: MIT
"""Writes PYPYLOGs and jitlogs, from doc/format.md alone."""

import itertools
import re
import struct

PLAN = b"""\
[100] {jit-profile-enter
loop1      # e.g. an entry bridge
[101] jit-profile-enter}
[200] {jit-profile-enter
loop0      # JUMP from loop1 to loop0
[201] jit-profile-enter}
[500] {jit-profile-exit
loop0      # e.g. because of a failing guard
[501] jit-profile-exit}
"""


def section(name, start, end, *lines):
    body = "".join(line + "\n" for line in lines)
    return f"[{start:x}] {{{name}\n{body}[{end:x}] {name}}}\n"


def enter(trace, start, end=None):
    return section("jit-profile-enter", start, end or start + 1, trace)


def leave(trace, start, end=None):
    return section("jit-profile-exit", start, end or start + 1, trace)


LOOP = "Loop 1 (f;a.py:1-2~#6 FOR_ITER)"
ENTRY = "Loop 2 (g;a.py:9-10~#0 LOAD_FAST)"
BRIDGE = "bridge out of Guard 0xb0"
CODE = bytes(range(0x40, 0x60))


def address(name, start, end, bootstrap=None):
    """32 bytes of machine code: 4 of constants, 24 of operations, 4 of ways
    out."""
    more = f" (bootstrap {bootstrap:#x})" if bootstrap else ""
    first = "function" if bootstrap else "jump target"
    return section(
        "jit-backend-addr", 0x20, 0x21,
        f"{name} has address {start + 8:#x} to {end - 4:#x}{more}",
        f"       gc table: {start:#x}", f"       {first}: {start + 4:#x}",
        f"         resops: {start + 8:#x}",
        f"       failures: {end - 4:#x}", f"            end: {end:#x}")


def dump(at, code, time=0x30):
    return section("jit-backend-dump", time, time + 1, "BACKEND x86_64",
                   "SYS_EXECUTABLE pypy3",
                   f"CODE_DUMP @{at:x} +0  {code.hex().upper()}")


def pypylog():
    """A loop with a bridge, entered through an entry bridge."""
    loop = section(
        "jit-log-opt-loop", 0x40, 0x50, f"# {LOOP} : loop with 5 ops",
        "[p0, i1]", "+8: label(p0, i1, descr=TargetToken(77))",
        "debug_merge_point(0, 0, 'f;a.py:1-2~#6 FOR_ITER')",
        "+10: guard_true(i1, descr=<Guard0xb0>) [p0, i1]",
        "debug_merge_point(0, 0, 'f;a.py:1-3~#8 CALL_FUNCTION')",
        "debug_merge_point(1, 1, 'h;b.py:4-5~#0 LOAD_CONST')",
        "+13: i2 = int_add(i1, 1)",
        "+13: p3 = call_assembler_r(p0, descr=<Loop2>)",
        "+20: jump(p0, i2, descr=TargetToken(77))",
        "+28: --end of the loop--")
    entry = section(
        "jit-log-opt-loop", 0x60, 0x68, f"# {ENTRY} : entry bridge with 2 ops",
        "[p0]", "debug_merge_point(0, 0, 'g;a.py:9-10~#0 LOAD_FAST')",
        "+8: guard_nonnull(p0, descr=<Guard0xb8>) []",
        "+12: finish(p0, descr=<Done>)", "+28: --end of the loop--")
    bridge = section(
        "jit-log-opt-bridge", 0x70, 0x78, f"# {BRIDGE} with 2 ops", "[p0]",
        "debug_merge_point(0, 0, 'f;a.py:1-7~#30 LOAD_FAST')",
        "+8: i4 = int_sub(i1, 1)", "+12: jump(p0, i4, descr=TargetToken(77))",
        "+28: --end of the loop--")
    clock = itertools.count(0x100)
    log = "".join([
        dump(0x1000, CODE), address(LOOP, 0x1000, 0x1020, 0x1004),
        dump(0x100c, b"\xff\xee"), loop,
        dump(0x2000, CODE), address(ENTRY, 0x2000, 0x2020, 0x2004), entry,
        dump(0x3000, CODE), address(BRIDGE, 0x3000, 0x3020), bridge,
        section("jit-backend-counts", 0x100, 0x101, "entry 1:10",
                "TargetToken(77):12345", "entry 2:3", f"bridge {0xb0}:99"),
        section("jit-summary", 0x110, 0x111, "Tracing:      \t3\t0.040260",
                "TOTAL:      \t\t0.150076", "ops:             \t964")])
    return re.sub(r"(?m)^\[[0-9a-f]+\]", lambda _: f"[{next(clock):x}]", log)


class Jitlog:
    """Records one after another; `address` is 8 or 4 bytes."""

    NAMES = {1: "label", 2: "guard_true", 3: "int_add", 4: "jump",
             5: "call_assembler_r", 6: "finish", 7: "getfield_gc_r",
             8: "gc_load_r", 9: "increment_debug_counter"}

    def __init__(self, address=8, version=4, machine=b"x86_64"):
        self.address = address
        self.version = version
        self.data = b"\x1e" + struct.pack("<HB", version, address == 4)
        self.data += self.text(machine)
        self.put(0x12, struct.pack("<H", len(self.NAMES)) + b"".join(
            struct.pack("<H", number) + self.text(name.encode())
            for number, name in self.NAMES.items()))

    @staticmethod
    def text(data):
        return struct.pack("<I", len(data)) + data

    def word(self, value):
        return struct.pack("<Q" if self.address == 8 else "<I", value)

    def put(self, mark, data):
        self.data += bytes([mark]) + data
        return self

    def start(self, number, kind, guard=0):
        driver = self.text(b"pypyjit") if self.version >= 2 else b""
        return self.put(0x1b, self.word(number) + self.text(kind) +
                        self.word(guard) + driver)

    def stage(self, mark, number):
        return self.put(mark, self.word(number))

    def operation(self, name, arguments, descr=None, fails=b""):
        number = next(n for n, text in self.NAMES.items() if text == name)
        data = struct.pack("<H", number) + self.text(arguments)
        if descr is not None:
            data += self.word(descr)
        if self.version >= 2:
            data += self.text(fails)
        return self.put(0x13 if descr is None else 0x14, data)

    def code(self, offset, data):
        return self.put(0x16, struct.pack("<H", offset & 0xffff) +
                        self.text(data))

    def place(self):
        """File, line, function, bytecode, opcode, as PyPy has them."""
        return self.put(0x1d, struct.pack("<H", 5) +
                        b"\1s\2i\x08s\4i\x10s")

    def prefix(self, field, text):
        return self.put(0x20, bytes([field]) + self.text(text))

    def at(self, file, line, function, bytecode, opcode):
        """Texts are None: the prefix; bytes: in full; a tuple: its rest."""
        out = b""
        for value in (file, line, function, bytecode, opcode):
            if isinstance(value, int):
                out += b"\0" + struct.pack("<Q", value)
            elif value is None:
                out += b"\xef"
            elif isinstance(value, tuple):
                out += b"\0" + self.text(value[0])
            else:
                out += b"\xff" + self.text(value)
        return self.put(0x1f, out)

    def addresses(self, start, end):
        return self.put(0x15, self.word(start) + self.word(end))

    def stitch(self, guard, start):
        return self.put(0x1a, self.word(guard) + self.word(start))

    def count(self, number, what, count):
        return self.put(0x1c, self.word(number) + what +
                        struct.pack("<Q", count))


def jitlog(**how):
    """What pypylog() says, as a jitlog."""
    log = Jitlog(**how)
    log.start(1, b"loop").stage(0x17, 1)
    log.put(0x11, log.text(b"p0,i1"))
    for _ in range(7):
        log.operation("int_add", b"i9,i1,1")
    log.stage(0x18, 1).put(0x11, log.text(b"p0,i1"))
    log.operation("label", b"?,p0,i1,TargetToken(77)", 0x77)
    log.place().prefix(0, b"a.py").prefix(4, b"LOAD_")
    log.at(None, 2, b"f", 6, b"FOR_ITER")
    log.operation("guard_true", b"?,i1,<ResumeGuardDescr>", 0xb0, b"p0,i1")
    log.at(b"b.py", 5, b"h", 0, (b"CONST",))
    log.operation("getfield_gc_r", b"p5,p0,<Field x 8>", 0x55)
    log.operation("int_add", b"i2,i1,1")
    log.operation("call_assembler_r", b"p3,p0,<Loop2>", 0x99)
    log.operation("jump", b"?,p0,i2,TargetToken(77)", 0x77)
    log.stage(0x19, 1).put(0x11, log.text(b"p0,i1")).addresses(0x1000, 0x1020)
    log.operation("label", b"?,p0,i1,TargetToken(77)", 0x77).code(8, b"\x40")
    log.operation("increment_debug_counter", b"?,1234").code(9, b"\x41")
    log.operation("guard_true", b"?,i1,<ResumeGuardDescr>", 0xb0).code(
        10, b"\x42\x43\x44")
    log.operation("gc_load_r", b"p9,p0,8,8").code(13, b"\x45")
    log.operation("int_add", b"i2,i1,1").code(14, b"\x46\x47")
    log.operation("call_assembler_r", b"p3,p0,<Loop2>", 0x99).code(
        16, b"\x48\x49\x4a\x4b")
    log.operation("jump", b"?,p0,i2,TargetToken(77)", 0x77).code(
        20, b"\x4c" * 8)
    log.start(2, b"bridge", 0xf0).stage(0x18, 2).place()
    log.at(b"a.py", 10, b"g", 0, b"LOAD_FAST")
    log.operation("finish", b"?,p0,<Done>", 0xd0)
    log.stage(0x19, 2).addresses(0x2000, 0x2020)
    log.operation("finish", b"?,p0,<Done>", 0xd0).code(12, b"\x50\x51")
    log.start(3, b"bridge", 0xb0).stage(0x18, 3).place()
    log.at(b"a.py", 7, b"f", 30, b"LOAD_FAST")
    log.operation("jump", b"?,p0,i4,TargetToken(77)", 0x77)
    log.stage(0x19, 3).addresses(0x3000, 0x3020)
    log.operation("jump", b"?,p0,i4,TargetToken(77)", 0x77).code(12, b"\x52")
    log.stitch(0xb0, 0x3000)
    log.start(4, b"loop").put(0x21, log.word(4))
    log.put(0x22, log.text(b"a.py") + struct.pack("<HHB", 1, 1, 0) +
            log.text(b"def f():"))
    log.put(0x23, log.word(0x99) + log.word(0x98) + log.word(2))
    log.put(0x24, log.word(0x99) + struct.pack("<Q", 1))
    log.count(1, b"e", 10).count(0x77, b"l", 12345).count(2, b"e", 3)
    return log.count(0xb0, b"b", 99)
