// SPDX-License-Identifier: MIT
// The loops of the page as a reader uses them.

import { check, equal, eventually, open, pagePath, run, test }
    from "./harness.mjs";

async function openPage(browser, name = "traced", hash = "")
{
    const page = await open(browser,
                            "file://" + pagePath(name + ".html") + hash);
    await eventually(async () =>
        check(await page.locator("#crumbs li").count(), "nothing is shown"));
    return page;
}

async function openLoops(browser, name)
{
    const page = await openPage(browser, name);
    await page.click("#jit-toggle");
    await eventually(async () =>
        check(await page.locator("#loops-rows tr").count(), "no loops"));
    return page;
}

async function close(page)
{
    equal(page.faults, [], "errors of the page");
    await page.close();
}

const flat = (text) => text.replace(/\s+/g, " ").trim();

async function texts(page, selector)
{
    return (await page.locator(selector).allInnerTexts()).map(flat);
}

test("a page without traces has no loops", async (browser) => {
    const page = await openPage(browser, "small", "#loop-1");
    check(await page.locator("#jit-toggle").isHidden(), "there is a button");
    check(await page.locator("#jit").isHidden(), "there are loops");
    await close(page);
});

test("the table has each loop's time, and what it was found with",
     async (browser) => {
         const page = await openLoops(browser);
         const rows = await texts(page, "#loops-rows tr");
         equal(rows.length, 3, "rows");
         check(rows[0].startsWith("50.0 % 500 \u00b5s 60.0 % 600 \u00b5s"),
               rows[0]);
         check(rows[0].includes("loop 1 (work:11)"), rows[0]);
         const heads = await texts(page, "#loops-head th");
         check(heads.includes("Self events") && heads.includes("Self sampled")
               && heads.includes("Entries counts"), heads.join());
         check(await page.locator("#loops-rows abbr.doubt").count() === 1,
               "no sign of a difference");
         await close(page);
     });

test("bridges are folded under their loop until one wants to see them",
     async (browser) => {
         const page = await openLoops(browser);
         const button = page.locator("#loops-rows button",
                                     { hasText: "1 bridge" });
         equal(await button.getAttribute("aria-expanded"), "false", "folded");
         await button.click();
         const rows = await texts(page, "#loops-rows tr");
         equal(rows.length, 5, "rows");
         check(rows[2].includes("the bridge"), rows[2]);
         await close(page);
     });

test("a loop has its lines, guards, operations and machine code",
     async (browser) => {
         const page = await openLoops(browser);
         await page.locator("#loops-rows a", { hasText: "loop 1" }).click();
         await eventually(async () => equal(
             await texts(page, "#loop h2"), ["loop 1 (work:11)"], "title"));
         equal(await texts(page, "#loop .lines tbody tr"), [
             "60.0 % work (demo.toy:11)", "40.0 % leaf (lib:one.toy:21)",
             "work (demo.toy:12)"], "lines");
         equal(await texts(page, "#loop .guards tbody tr"), [
             "700 0 +7 i < n the bridge", "1 1 +9 is_int(x)"], "guards");
         const listing = await texts(page, "#loop .listing tbody tr");
         equal(listing[0], "work (demo.toy:11)", "first line");
         equal(listing[1], "60.0 % +0 i = i + 1", "first operation");
         check(/^60.0 % \+0 (add rax, 1|48 83 c0 01)$/.test(listing[2]),
               listing[2]);
         check(listing.some((row) => row.includes(
             "guard(i < n) failed 700 times (counts) \u2192 the bridge")),
               JSON.stringify(listing));
         await close(page);
     });

test("lines of the program stand beside, as text", async (browser) => {
    const page = await openPage(browser, "traced_with_source", "#loop-1");
    const line = "x = '</script><img src=x onerror=alert(12)>'";
    await eventually(async () => equal(
        await texts(page, "#loop .lines tbody tr"), [
            `60.0 % work (demo.toy:11) ${line}`,
            "40.0 % leaf (lib:one.toy:21)",
            "work (demo.toy:12) line 12"], "lines"));
    const listing = await texts(page, "#loop .listing tbody tr");
    equal(listing[0], `work (demo.toy:11) ${line}`, "first line");
    await close(page);
});

test("links lead from loop to loop, and back goes back", async (browser) => {
    const page = await openPage(browser, "traced", "#loop-1");
    const title = async (wanted) => eventually(async () => equal(
        await texts(page, "#loop h2"), [wanted], "title"));
    await title("loop 1 (work:11)");
    await page.locator("#loop .guards a").click();
    await title("the bridge");
    await page.goBack();
    await title("loop 1 (work:11)");
    await close(page);
});

test("a frame of a trace in the graph leads to its loop", async (browser) => {
    const page = await openPage(browser);
    await page.focus("#canvas");
    for (const key of ["ArrowDown", "ArrowDown"])
        await page.keyboard.press(key);
    check(await page.locator("#loop-link").isHidden(),
          "a function has a loop");
    await page.keyboard.press("ArrowDown");
    const link = page.locator("#loop-link");
    await eventually(async () => equal(
        await texts(page, "#loop-link"), ["Open loop 1 (work:11)"], "link"));
    await link.click();
    await eventually(async () => equal(
        await texts(page, "#loop h2"), ["loop 1 (work:11)"], "title"));
    check(await page.locator("#graph").isHidden(), "the graph is still there");
    await page.click("#jit-toggle");
    check(await page.locator("#graph").isVisible(), "the graph is gone");
    await close(page);
});

test("transitions are drawn, with how often they were taken",
     async (browser) => {
         const page = await openLoops(browser);
         equal((await page.locator("#jit-graph .box").count()), 5, "boxes");
         const titles = await page.locator("#jit-graph .edge title")
             .allTextContents();
         check(titles.includes("loop 1 (work:11) \u2192 the bridge: 1"),
               titles.join());
         check(titles.includes("entry \u2192 loop 1 (work:11): 1"),
               titles.join());
         await page.locator("#jit-graph a", { hasText: "cold" }).click();
         await eventually(async () => equal(
             await texts(page, "#loop h2"), ["cold"], "title"));
         await close(page);
     });

test("of many traces thirty are drawn, none over another",
     async (browser) => {
         const page = await openLoops(browser, "traces_many");
         const boxes = await page.locator("#jit-graph .box rect")
             .evaluateAll((rects) => rects.map((rect) => ["x", "y", "width",
                 "height"].map((key) => Number(rect.getAttribute(key)))));
         equal(boxes.length, 30, "boxes");
         boxes.forEach(([x, y, width, height], i) => boxes.slice(0, i)
             .forEach(([a, b]) => check(
                 Math.abs(x - a) >= width || Math.abs(y - b) >= height,
                 `boxes at ${x},${y} and ${a},${b}`)));
         await close(page);
     });

test("strips show what the VM was doing, and when it compiled",
     async (browser) => {
         const page = await openLoops(browser);
         equal(await page.locator("#jit-time .strip").count(), 2, "strips");
         check(await page.locator("#jit-time .strip .phase-4").count() > 10,
               "nothing compiled");
         const captions = await texts(page, "#jit-time figcaption");
         check(captions[1].startsWith(
             "90 % of the time ran compiled from 200 \u00b5s on"), captions[1]);
         equal(await texts(page, "#jit-time .phases li"),
               ["interpreting", "tracing", "compiled code"], "legend");
         await close(page);
     });

test("markup and line breaks in names are only text", async (browser) => {
    const page = await openLoops(browser, "traces_hostile");
    equal(await page.locator("#jit img, #jit b, #jit script").count(), 0,
          "elements");
    await page.locator("#loops-rows a").first().click();
    await eventually(async () => check(
        (await texts(page, "#loop h2"))[0].startsWith("</script><script>"),
        "title"));
    check((await texts(page, "#loop .listing")).join().includes("<img src=x"),
          "the operation is not shown");
    await close(page);
});

await run();
