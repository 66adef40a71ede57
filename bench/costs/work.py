# SPDX-License-Identifier: MIT

"""The work of work.toy in PyPy under the vmprof that is built into it; the
protocol is that of work.lua. Its signals are counted by real_rate.c."""

import ctypes
import sys
import time

import _vmprof

signals = ctypes.CDLL(None).bench_signals
signals.restype = ctypes.c_ulong
null = open("/dev/null", "wb")


def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


def add_up(n):
    sum = 0
    for i in range(n):
        sum = sum + i * 3 % 7
    return sum


def make(n):
    return [{"number": i, "half": i // 2} for i in range(n)]


def total(items):
    sum = 0
    for item in items:
        sum = sum + item["number"] + item["half"]
    return sum


def mixed(rounds):
    for _ in range(rounds):
        fibonacci(12)
        add_up(6000)
        total(make(100))


for line in sys.stdin:
    name, rate, _, _, rounds = line.split()
    before = signals()
    if name == "vmprof":
        _vmprof.enable(null.fileno(), 1 / float(rate), 0, 0, 0, 0)
    start = time.process_time()
    mixed(int(rounds))
    used = time.process_time() - start
    if name == "vmprof":
        _vmprof.disable()
    print(int(used * 1e9))
    print('{"samples": %d}' % (signals() - before))
    sys.stdout.flush()
