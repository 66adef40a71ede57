#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_stores.py VMPROF DIRECTORY PAGE: the queries of the page on types, in
DuckDB and ClickHouse, on the rows of 1,000 hosts.

The packages, whose versions stores/package.json pins, are installed below
DIRECTORY once. There is no lock file: it would have to list the programs of all
machines, of which a registry near the user need not have more than one.
"""

import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from common import (ADD, FLOAT, INT, STR, VMPROF, profile, site, tap)

HERE = pathlib.Path(__file__).resolve().parent / "stores"
PACKAGES = pathlib.Path(sys.argv[2]).resolve()
PAGE = pathlib.Path(sys.argv[3]).read_text(encoding="utf-8")
HOSTS = 1000
TOTALS = {
    "duckdb": "SELECT count(*)::INT AS n, sum(int.count)::INT AS hits, "
              "sum(int.bytecodes)::INT AS bytecodes, "
              "count(DISTINCT normal.host)::INT AS hosts "
              "FROM read_json_auto('rows/*.ndjson')",
    "clickhouse": "SELECT toInt32(count()) AS n, "
                  "toInt32(sum(int.count)) AS hits, "
                  "toInt32(sum(int.bytecodes)) AS bytecodes, "
                  "toInt32(uniqExact(normal.host)) AS hosts "
                  "FROM file('rows/*.ndjson', JSONEachRow)",
}


def skip(reason):
    print(f"1..0 # SKIP {reason}")
    print(f"SKIPPED: {reason}: the rows were loaded into no store",
          file=sys.stderr)
    sys.exit(0)


def find(*names):
    for name in names:
        if shutil.which(name):
            return shutil.which(name)
    return skip(f"{names[0]} is not installed")


def install(npm):
    """By one test at a time, unless it has been done."""
    PACKAGES.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_bytes()
    with open(PACKAGES / "guard", "w", encoding="utf-8") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        done = PACKAGES / "installed.json"
        if done.exists() and done.read_bytes() == wanted:
            return
        (PACKAGES / "package.json").write_bytes(wanted)
        try:
            run = subprocess.run(
                [npm, "install", "--no-package-lock", "--ignore-scripts",
                 "--no-audit", "--no-fund", "--fetch-retries=1",
                 "--fetch-timeout=30000"],
                cwd=PACKAGES, capture_output=True, text=True, timeout=300,
                check=False)
        except subprocess.TimeoutExpired:
            skip("npm needed more than five minutes for DuckDB and ClickHouse")
        if run.returncode:
            skip("npm could not install DuckDB and ClickHouse: " +
                 " ".join(run.stderr.split())[-200:])
        done.write_bytes(wanted)


def row(offset, word, hits, period):
    return site(2, (offset, 1), 11, ADD, 2 ** 64 - 1, bytecodes=hits * period,
                tuples=[((word, word), hits)])


def kinds_of_hosts():
    """Of three hosts in four the ADD at 5 met int, of the others float, which
    they profiled with a period ten times as long; that at 7 met int on all,
    that at 9 float in 0.5 %; and what had no types is there as well."""
    common = [row(7, INT, 50, 10), site(1, (1, 3), 2, untyped=30),
              site(2, (9, 1), 12, ADD, 2 ** 64 - 1, tuples=[
                  ((INT,), 1990), ((FLOAT,), 10)], bytecodes=2000)]
    most = profile([row(5, INT, 100, 10), *common], period=10)
    others = profile([row(5, FLOAT, 10, 100), *common,
                      site(2, (8, 2), 13, STR, 2 ** 64 - 1, other=1,
                           tuples=[((INT,), 1)])], period=100)
    return [most, most, most, others]


def write_rows(directory):
    """A file of rows for each host, as each of them would write it."""
    os.mkdir(directory / "rows")
    kinds = []
    for data in kinds_of_hosts():
        (directory / "file.vmprof").write_bytes(data)
        kinds.append(subprocess.run(
            [VMPROF, "types", "--ndjson", "--host", "HOST", "file.vmprof"],
            cwd=directory, stdout=subprocess.PIPE, check=True).stdout)
    for host in range(HOSTS):
        rows = kinds[host % len(kinds)].replace(b'"HOST"', b'"host%d"' % host)
        (directory / "rows" / f"{host}.ndjson").write_bytes(rows)


def query_of(store):
    (query,) = re.findall(rf"^```sql {store}\n(.*?)^```$", PAGE, re.M | re.S)
    return query


class Stores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="vmprof-stores-")
        write_rows(pathlib.Path(cls.directory.name))

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def ask(self, store, query):
        run = subprocess.run(
            [NODE, HERE / "query.mjs", PACKAGES, store], input=query,
            cwd=self.directory.name, capture_output=True, text=True,
            timeout=120, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return [json.loads(line) for line in run.stdout.splitlines() if line]

    def check_totals(self, store):
        (totals,) = self.ask(store, TOTALS[store])
        hits = 750 * 100 + 250 * 10 + 1000 * (50 + 30 + 2000) + 250 * 2
        self.assertEqual(totals, {
            "n": 1000 * 5 + 250 * 2, "hits": hits, "hosts": HOSTS,
            "bytecodes": 1000 * (1000 + 500 + 30 + 2000) + 250 * 2})

    def check_polymorphic(self, store):
        found = self.ask(store, query_of(store))
        self.assertEqual(
            [(r["file"], r["function"], int(r["line"]), r["opcode"],
              int(r["tuples"]), int(r["hosts"]), int(r["bytecodes"]))
             for r in found],
            [("demo.toy", "work", 11, "ADD", 2, 750, 1000000),
             ("demo.toy", "work", 13, "str", 2, 250, 500)])
        shares = re.sub(r"\.0%", "%", found[0]["types"])
        self.assertEqual(shares, "int, int 75%; float, float 25%")

    def test_duckdb_loads_every_row(self):
        self.check_totals("duckdb")

    def test_duckdb_finds_what_is_polymorphic_over_all_hosts(self):
        self.check_polymorphic("duckdb")

    def test_clickhouse_loads_every_row(self):
        self.check_totals("clickhouse")

    def test_clickhouse_finds_what_is_polymorphic_over_all_hosts(self):
        self.check_polymorphic("clickhouse")


if __name__ == "__main__":
    NODE = find("node", "nodejs")
    install(find("npm"))
    tap.main()
