// SPDX-License-Identifier: MIT
// speedscope itself opens what vmprof convert wrote.

import fs from "node:fs";
import path from "node:path";

import { check, eventually, modulePath, open, pagePath, run, test }
    from "./harness.mjs";

const release = modulePath("speedscope/dist/release/index.html");

/* As its own command does it: the file comes as a script beside the page. */
async function openProfile(browser, name)
{
    const raw = fs.readFileSync(pagePath(name)).toString("base64");
    const script = pagePath(name + ".js");
    fs.writeFileSync(script, "speedscope.loadFileFromBase64(" +
        `${JSON.stringify(path.basename(name))}, ${JSON.stringify(raw)})`);
    return open(browser, `file://${release}#localProfilePath=${script}`);
}

/* Its sandwich view is the one that has its numbers as text. */
async function rows(page)
{
    await page.keyboard.press("3");
    return (await page.locator("table tr").allInnerTexts())
        .map((row) => row.replace(/\s+/g, " "));
}

test("speedscope shows the functions with their times", async (browser) => {
    const page = await openProfile(browser, "small.speedscope.json");
    await eventually(async () => {
        const shown = (await rows(page)).join("\n");
        for (const wanted of [/900\.00ms \(90%\) 500\.00ms \(50%\) work/,
                              /300\.00ms \(30%\) 300\.00ms \(30%\) sort/,
                              /1\.00s \(100%\) 100\.00ms \(10%\) main/])
            check(wanted.test(shown), `no ${wanted} in ${shown}`);
    });
    check((await page.title()).includes("demo"),
          await page.title());
    check(!page.faults.length, page.faults.join());
    await page.close();
});

test("speedscope opens hostile names", async (browser) => {
    const page = await openProfile(browser, "hostile.speedscope.json");
    await eventually(async () =>
        check((await rows(page)).join("\n").includes("alert(3)"),
              "not loaded"));
    check(!page.faults.length, page.faults.join());
    await page.close();
});

await run();
