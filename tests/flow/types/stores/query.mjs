// SPDX-License-Identifier: MIT
// query.mjs PACKAGES duckdb|clickhouse: run the query on standard input in the
// current directory, and print its rows as JSON, one a line.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [packages, store] = process.argv.slice(2);
const load = createRequire(resolve(packages, "package.json"));
const query = readFileSync(0, "utf-8");

async function askDuckdb()
{
    const { DuckDBInstance } = load("@duckdb/node-api");
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(query);
    for (const row of reader.getRowObjectsJson())
        console.log(JSON.stringify(row));
}

function askClickhouse()
{
    process.stdout.write(load("chdb").query(query, "JSONEachRow"));
}

if (store === "duckdb")
    await askDuckdb();
else
    askClickhouse();
