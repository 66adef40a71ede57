// SPDX-License-Identifier: MIT
// Tests in a browser that print TAP. Arguments: the directory that holds
// node_modules, the browser, the directory of the pages.

import { createRequire } from "node:module";
import path from "node:path";

const [modules, browserPath, pages] = process.argv.slice(2);
const require = createRequire(path.join(modules, "package.json"));
const { chromium } = require("playwright-core");

const tests = [];

export function test(name, body)
{
    tests.push({ name, body });
}

export function modulePath(name)
{
    return path.join(modules, "node_modules", name);
}

export function pagePath(name)
{
    return path.join(pages, name);
}

export function check(condition, text)
{
    if (!condition)
        throw new Error(text);
}

export function equal(found, wanted, what)
{
    const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
    check(a === b, `${what}: ${a} instead of ${b}`);
}

/* Tries until it holds; what it last said is the error after 20 seconds. */
export async function eventually(body)
{
    const deadline = Date.now() + 20000;
    for (;;) {
        try {
            return await body();
        } catch (error) {
            if (Date.now() > deadline)
                throw error;
            await new Promise((resolve) => setTimeout(resolve, 30));
        }
    }
}

/* A page that counts what it must not do: errors, requests, dialogs. */
export async function open(browser, url, options = {})
{
    const page = await browser.newPage(
        { viewport: { width: 1200, height: 700 }, ...options });
    page.faults = [];
    page.on("pageerror", (error) => page.faults.push(error.message));
    page.on("console", (message) => {
        if (message.type() === "error")
            page.faults.push(message.text());
    });
    page.on("dialog", (dialog) => {
        page.faults.push("dialog " + dialog.message());
        dialog.dismiss();
    });
    page.on("request", (request) => {
        if (!/^(file|data|blob):/.test(request.url()))
            page.faults.push("request " + request.url());
    });
    await page.goto(url);
    return page;
}

export async function run()
{
    const browser = await chromium.launch({
        executablePath: browserPath,
        args: ["--headless", "--no-sandbox", "--disable-gpu",
               "--no-first-run", "--disable-background-networking",
               "--disable-component-update", "--disable-sync",
               "--allow-file-access-from-files"],
    });
    let failed = 0;
    console.log(`1..${tests.length}`);
    for (const [i, one] of tests.entries()) {
        try {
            await one.body(browser);
            console.log(`ok ${i + 1} - ${one.name}`);
        } catch (error) {
            failed++;
            console.log(`not ok ${i + 1} - ${one.name}`);
            console.log(String(error.stack).replace(/^/gm, "# "));
        }
    }
    await browser.close();
    process.exitCode = failed ? 1 : 0;
}
