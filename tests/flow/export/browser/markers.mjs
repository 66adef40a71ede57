// SPDX-License-Identifier: MIT
// Marks of what the VM told of, on the time of the recording.

import { check, equal, eventually, open, pagePath, run, test }
    from "./harness.mjs";

async function openPage(browser, name)
{
    const page = await open(browser, "file://" + pagePath(name + ".html"));
    await eventually(async () =>
        check(await page.locator("#crumbs li").count(), "nothing is shown"));
    return page;
}

async function close(page)
{
    equal(page.faults, [], "errors of the page");
    await page.close();
}

test("a page without events has no marks", async (browser) => {
    const page = await openPage(browser, "small");
    check(await page.locator("#markers").isHidden(), "there are marks");
    await close(page);
});

test("each sort of event is a row with its count and its time",
     async (browser) => {
         const page = await openPage(browser, "told");
         equal(await page.locator("#markers li").allInnerTexts(),
               ["garbage collection 2, 300 \u00b5s", "JIT compiled 1",
                "exceptions 3", "threads started 1"], "rows");
         equal(await page.locator("#markers figcaption").innerText(),
               "0 to 1.0 ms, 7 events left out by choice, 9 events lost",
               "what is missing");
         await close(page);
     });

test("marks stand where the events were, and say so", async (browser) => {
    const page = await openPage(browser, "told");
    const marks = await page.$$eval("#markers .mark", (all) => all.map((mark) =>
        [Number(mark.getAttribute("x")), mark.textContent]));
    equal(marks.filter(([, text]) => text.startsWith("exceptions")),
          [[200, "exceptions: 2 at 400 \u00b5s"],
           [450, "exceptions: 1 at 900 \u00b5s"]], "exceptions");
    const collection = marks.filter(([, text]) => text.startsWith("garbage"));
    equal(collection[0], [50, "garbage collection: 1 2.0 \u00b5s at 100 \u00b5s"],
          "its beginning");
    // 200 us and 100 us of 1 ms, in 500 parts.
    equal(collection.length, 150, "parts that it took");
    await close(page);
});

test("the strip has room on the page, beside the graph", async (browser) => {
    const page = await openPage(browser, "told");
    const strip = await page.locator("#markers svg").boundingBox();
    const graph = await page.locator("#canvas").boundingBox();
    check(strip.width > 300 && strip.height >= 40, JSON.stringify(strip));
    check(graph.height > 100 && graph.y >= strip.y + strip.height,
          JSON.stringify(graph));
    const mark = await page.locator("#markers .mark").first().boundingBox();
    check(mark.width > 0 && mark.height > 0, "a mark cannot be seen");
    await close(page);
});

await run();
