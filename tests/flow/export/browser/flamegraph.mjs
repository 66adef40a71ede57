// SPDX-License-Identifier: MIT
// The flame graph as a reader uses it.

import { check, equal, eventually, open, pagePath, run, test }
    from "./harness.mjs";

const ROW = 20;

async function openPage(browser, name = "small", options = {})
{
    const page = await open(browser, "file://" + pagePath(name + ".html"),
                            options);
    await eventually(async () =>
        check(await page.locator("#crumbs li").count(), "nothing is shown"));
    return page;
}

async function close(page)
{
    equal(page.faults, [], "errors of the page");
    await page.close();
}

const text = (page, selector) => page.locator(selector).innerText();

/* What is zoomed to, and its time. */
async function crumbs(page)
{
    return page.locator("#crumbs li").allInnerTexts();
}

async function expectCrumbs(page, wanted)
{
    await eventually(async () => equal(await crumbs(page), wanted, "crumbs"));
}

/* Waits until what was asked for has been drawn. */
async function settle(page)
{
    await page.evaluate(() => new Promise((resolve) =>
        requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/* A place by its row and its share of the width. */
async function at(page, row, share)
{
    await settle(page);
    const box = await page.locator("#canvas").boundingBox();
    return [box.x + box.width * share, box.y + row * ROW + ROW / 2];
}

async function names(page)
{
    return page.locator("#rows .name").allInnerTexts();
}

test("a page shows all of the time, and asks the network for nothing",
     async (browser) => {
         const page = await openPage(browser);
         await expectCrumbs(page, ["all", "1.50 s, 100.0 %"]);
         equal(await text(page, "h1"), "demo", "title");
         check((await text(page, "#facts")).includes("1,000 Hz asked for"),
               "the rate is missing");
         await close(page);
     });

test("the header tells what was lost and cut", async (browser) => {
    const page = await openPage(browser, "waiting");
    const facts = await text(page, "#facts");
    check(/Lost\s*7 7 buffer full/.test(facts), facts);
    check(/Merged\s*3 3 into the next one of a walker/.test(facts), facts);
    check(/Stacks cut\s*1/.test(facts), facts);
    check((await text(page, "#warnings")).includes("77.8 %"),
          "no warning of lost samples");
    await close(page);
});

test("entries of time that no sample was taken of are no samples",
     async (browser) => {
         const page = await openPage(browser, "gaps");
         const facts = await text(page, "#facts");
         check(/Samples\s*2\s/.test(facts), facts);
         await close(page);
     });

test("the table has the self and total time of every function",
     async (browser) => {
         const page = await openPage(browser);
         const rows = await page.locator("#rows tr").allInnerTexts();
         const flat = rows.map((row) => row.replace(/\s+/g, " "));
         for (const [wanted, name] of [
             ["26.7 % 400 ms 33.3 % 500 ms", "fib"],
             ["33.3 % 500 ms 60.0 % 900 ms", "work"],
             ["20.0 % 300 ms 20.0 % 300 ms", "sort"],
             ["6.67 % 100 ms 66.7 % 1.00 s", "main"]])
             check(flat.some((row) => row.startsWith(wanted + " " + name)),
                   `no "${wanted} ${name}" in ${JSON.stringify(flat)}`);
         await close(page);
     });

test("a click zooms, Escape goes back, a crumb goes where it says",
     async (browser) => {
         const page = await openPage(browser);
         await page.mouse.click(...await at(page, 2, 0.1));
         await expectCrumbs(page, ["all", "main", "work", "900 ms, 60.0 %"]);
         await page.keyboard.press("Escape");
         await expectCrumbs(page, ["all", "1.50 s, 100.0 %"]);
         await page.mouse.click(...await at(page, 2, 0.1));
         await page.locator("#crumbs button", { hasText: "main" }).click();
         await expectCrumbs(page, ["all", "main", "1.00 s, 66.7 %"]);
         await close(page);
     });

test("the keyboard alone walks, zooms and comes back", async (browser) => {
    const page = await openPage(browser);
    await page.focus("#canvas");
    for (const key of ["ArrowDown", "ArrowDown", "ArrowDown"])
        await page.keyboard.press(key);
    check((await text(page, "#selected")).startsWith("sort, lib/sort.toy:5"),
          await text(page, "#selected"));
    await page.keyboard.press("ArrowRight");
    check((await text(page, "#selected")).startsWith("memcpy, libc.so.6"),
          await text(page, "#selected"));
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("Enter");
    await expectCrumbs(page, ["all", "main", "work", "sort",
                              "300 ms, 20.0 %"]);
    await page.keyboard.press("0");
    await expectCrumbs(page, ["all", "1.50 s, 100.0 %"]);
    await close(page);
});

test("a search says its share of the time and colours what it found",
     async (browser) => {
         const page = await openPage(browser);
         const before = await page.locator("#canvas").screenshot();
         await page.keyboard.press("/");
         await page.keyboard.type("sort");
         await eventually(async () =>
             equal(await text(page, "#found"),
                   "20.0 % of the time in 1 function", "found"));
         equal(await names(page), ["sort"], "rows");
         await settle(page);
         const after = await page.locator("#canvas").screenshot();
         check(!before.equals(after), "nothing was coloured");
         await page.fill("#search", "/^(fib|sort)$/");
         await eventually(async () =>
             equal(await text(page, "#found"),
                   "53.3 % of the time in 2 functions", "found"));
         await page.fill("#search", "/(/");
         await eventually(async () =>
             equal(await text(page, "#found"), "not a regular expression",
                   "found"));
         await close(page);
     });

test("a thread has sums of its own", async (browser) => {
    const page = await openPage(browser);
    await page.selectOption("#thread", { label: "worker (101) 33.3 %" });
    await expectCrumbs(page, ["all", "500 ms, 100.0 %"]);
    equal((await names(page)).sort(), ["fib", "work"], "rows");
    await page.selectOption("#thread", "all");
    await expectCrumbs(page, ["all", "1.50 s, 100.0 %"]);
    await close(page);
});

test("leaves first puts callers on top of them", async (browser) => {
    const page = await openPage(browser);
    await page.selectOption("#order", "up");
    await page.mouse.click(...await at(page, 1, 0.45));
    await expectCrumbs(page, ["all", "fib", "400 ms, 26.7 %"]);
    await page.mouse.click(...await at(page, 2, 0.05));
    await expectCrumbs(page, ["all", "fib", "fib", "320 ms, 21.3 %"]);
    await close(page);
});

test("a function of the table shows its callers and callees",
     async (browser) => {
         const page = await openPage(browser);
         await page.getByLabel("Callers of sort").click();
         await expectCrumbs(page, ["everything", "callers of sort",
                                   "300 ms, 20.0 %"]);
         await page.mouse.click(...await at(page, 1, 0.5));
         await expectCrumbs(page, ["everything", "callers of sort", "work",
                                   "300 ms, 20.0 %"]);
         await page.getByLabel("Callees of fib").click();
         await expectCrumbs(page, ["everything", "callees of fib",
                                   "500 ms, 33.3 %"]);
         await page.locator("#crumbs button").first().click();
         await expectCrumbs(page, ["all", "1.50 s, 100.0 %"]);
         await close(page);
     });

test("the table can be worked with the keyboard", async (browser) => {
    const page = await openPage(browser);
    await page.locator("[data-sort=name]").focus();
    await page.keyboard.press("Enter");
    equal(await names(page), ["fib", "main", "memcpy", "sort", "work",
                              "work"], "rows");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    equal(await text(page, "#found"), "33.3 % of the time in 1 function",
          "found");
    await close(page);
});

test("phases can be shown as frames", async (browser) => {
    const page = await openPage(browser);
    await page.check("#phases");
    await eventually(async () =>
        check((await names(page)).includes("[garbage collection]"),
              "the phase is not there"));
    const rows = await page.locator("#rows tr").allInnerTexts();
    check(rows.some((row) => /20\.0 %\s+300 ms\s+60\.0 %[^]*work/.test(row)),
          "its time is still the function's own");
    check(rows.some((row) => /13\.3 %[^]*garbage collection/.test(row)),
          "the phase has another time");
    await expectCrumbs(page, ["all", "1.50 s, 100.0 %"]);
    await close(page);
});

test("a tooltip names place, kind and times", async (browser) => {
    const page = await openPage(browser);
    await page.mouse.move(...await at(page, 3, 0.05));
    const tip = (await text(page, "#tip")).replace(/\s+/g, " ");
    equal(tip, "sort lib/sort.toy:5 Kind compiled by the JIT " +
          "Self 300 ms 20.0 % Total 300 ms 20.0 % Samples 2", "tooltip");
    await page.mouse.move(5, 5);
    check(!await page.locator("#tip").isVisible(), "it stays");
    await close(page);
});

test("the root may lie at the bottom", async (browser) => {
    const page = await openPage(browser);
    await page.check("#flip");
    await settle(page);
    const rows = await page.evaluate(() => view.rows);
    await page.mouse.click(...await at(page, rows - 3, 0.1));
    await expectCrumbs(page, ["all", "main", "work", "900 ms, 60.0 %"]);
    await close(page);
});

test("waiting can be told from running", async (browser) => {
    const page = await openPage(browser, "waiting");
    await expectCrumbs(page, ["all", "4.00 s, 100.0 %"]);
    await page.selectOption("#state", "on");
    await expectCrumbs(page, ["all", "1.00 s, 100.0 %"]);
    await page.selectOption("#state", "off");
    await expectCrumbs(page, ["all", "3.00 s, 100.0 %"]);
    await close(page);
});

/* The least contrast of texts and of frames, by the rule of WCAG 2. */
function leastContrast()
{
    const probe = document.createElement("canvas").getContext(
        "2d", { willReadFrequently: true });
    const rgb = (colour) => {
        probe.clearRect(0, 0, 1, 1);
        probe.fillStyle = colour;
        probe.fillRect(0, 0, 1, 1);
        return [...probe.getImageData(0, 0, 1, 1).data];
    };
    const light = (colour) => rgb(colour).slice(0, 3).map((part) => {
        const value = part / 255;
        return value <= 0.04045 ? value / 12.92
            : ((value + 0.055) / 1.055) ** 2.4;
    }).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const contrast = (a, b) => {
        const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
        return (high + 0.05) / (low + 0.05);
    };
    const backOf = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const back = getComputedStyle(at).backgroundColor;
            if (rgb(back)[3] === 255)
                return back;
        }
        return "white";
    };
    let least = { ratio: 99 };
    const note = (ratio, what) => {
        if (ratio < least.ratio)
            least = { ratio, what };
    };
    for (const element of document.querySelectorAll(
        "h1, dt, dd, small, li, label, button, select, td span, p, output"))
        if (element.checkVisibility() && element.textContent.trim())
            note(contrast(getComputedStyle(element).color, backOf(element)),
                 element.outerHTML.slice(0, 80));
    for (let kind = 0; kind < KINDS.length; kind++)
        for (const shade of [0, 0.5, 1])
            note(contrast(paint.text, colourOfKind(kind, shade, paint.dark)),
                 `frames of kind ${KINDS[kind].text}`);
    note(contrast(paint.foundText, paint.found), "found frames");
    note(contrast(paint.dimText, paint.dim), "dimmed frames");
    note(contrast(paint.text, paint.all), "the root");
    return least;
}

test("light and dark differ, and both can be read", async (browser) => {
    const shots = [];
    for (const colorScheme of ["light", "dark"]) {
        const page = await openPage(browser, "small", { colorScheme });
        await settle(page);
        shots.push(await page.screenshot());
        const least = await page.evaluate(leastContrast);
        check(least.ratio >= 4.5,
              `${colorScheme}: ${least.ratio.toFixed(2)} for ${least.what}`);
        await close(page);
    }
    check(!shots[0].equals(shots[1]), "they look the same");
});

test("the theme can be chosen against the system's", async (browser) => {
    const page = await openPage(browser, "small", { colorScheme: "light" });
    const back = () => page.evaluate(
        () => getComputedStyle(document.body).backgroundColor);
    const before = await back();
    await page.click("#theme");
    equal(await back(), before, "background in light");
    await page.click("#theme");
    check(await back() !== before, "dark is as light");
    check(await page.evaluate(() => paint.dark), "the graph stayed light");
    await close(page);
});

test("a narrow window needs no sideways scrolling", async (browser) => {
    for (const name of ["small", "hostile"]) {
        const page = await openPage(browser, name,
                                    { viewport: { width: 360, height: 640 } });
        await page.click("#table-toggle");
        check(await page.evaluate(() => document.documentElement.scrollWidth
                                  <= innerWidth), `${name} is too wide`);
        await close(page);
    }
});

/* Other work on the machine may slow down one try, or two. */
async function openInTime(browser, name, limit)
{
    for (let attempt = 1; ; attempt++) {
        const start = Date.now();
        const page = await openPage(browser, name);
        const loaded = Date.now() - start;
        if (loaded < limit || attempt === 3)
            return [page, loaded];
        await page.close();
    }
}

test("a hundred thousand stacks load and answer at once",
     async (browser) => {
         const [page, loaded] = await openInTime(browser, "huge", 5000);
         check(loaded < 5000, `loaded after ${loaded} ms`);
         await expectCrumbs(page, ["all", "100.0 s, 100.0 %"]);
         const spent = await page.evaluate(() => {
             const began = performance.now();
             zoomTo(childrenOf(view.root)[0]);
             draw(view);
             return performance.now() - began;
         });
         check(spent < 1000, `a zoom took ${spent} ms`);
         await page.selectOption("#order", "up");
         await expectCrumbs(page, ["all", "100.0 s, 100.0 %"]);
         await page.fill("#search", "function_17");
         await eventually(async () => check(
             (await text(page, "#found")).endsWith("in 111 functions"),
             await text(page, "#found")));
         await close(page);
     });

test("a stack of five thousand frames scrolls in a small canvas",
     async (browser) => {
         const page = await openPage(browser, "deep");
         await settle(page);
         const [extent, height] = await page.evaluate(() => [
             document.getElementById("extent").offsetHeight,
             document.getElementById("canvas").offsetHeight]);
         equal(extent, 5001 * ROW, "height of the graph");
         check(height < 700, `the canvas is ${height} high`);
         await page.evaluate(() => { scroller.scrollTop = 4990 * 20; });
         await settle(page);
         await page.mouse.click(...await at(page, 3, 0.5));
         const shown = await crumbs(page);
         check(shown.length <= 9, `${shown.length} crumbs`);
         check(shown.some((crumb) => crumb.includes("more")), "no ellipsis");
         await close(page);
     });

test("hostile names are text and nothing else", async (browser) => {
    const page = await openPage(browser, "hostile");
    equal(await text(page, "h1"), "<img src=x onerror=alert(1)>", "title");
    const shown = await names(page);
    for (const name of ["</script><script>alert(3)</script>", "__proto__",
                        "<img src=x onerror=alert(4)>", "constructor",
                        "\ufffd\ufffd", "\ufffdabc", "a\ufffdb", "[unnamed]"])
        check(shown.includes(name), `${name} is not in the table`);
    equal(await page.locator("img").count(), 0, "images");
    await page.mouse.move(...await at(page, 1, 0.02));
    await page.fill("#search", "<img");
    await page.selectOption("#order", "up");
    await settle(page);
    await close(page);
});

test("a frame that is clicked shows the types it met", async (browser) => {
    const page = await openPage(browser, "typed");
    check(!await page.locator("#types").isVisible(), "types of everything");
    await page.mouse.click(...await at(page, 2, 0.75));
    await eventually(async () => equal(
        await page.locator("#types-rows tr").allInnerTexts(),
        ["11\tADD\tpolymorphic\t10,000\t(int, int) 75.0 %, " +
         "(float, int) 25.0 %",
         "12\t<2>\tmegamorphic\t100\tint 90.0 %, <other> 10.0 %"],
        "types"));
    equal(await text(page, "#types-of"), "work", "whose");
    await page.keyboard.press("Escape");
    await eventually(async () => check(
        !await page.locator("#types").isVisible(), "they stay"));
    await close(page);
});

test("the keyboard shows types, too, and names in them are text",
     async (browser) => {
         const page = await openPage(browser, "typed");
         await page.focus("#canvas");
         for (const key of ["ArrowDown", "ArrowDown"])
             await page.keyboard.press(key);
         await eventually(async () => equal(
             await page.locator("#types-rows tr").allInnerTexts(),
             ["31\t</script><script>alert(7)</script>\tmonomorphic\t5\t" +
              "</script><script>alert(7)</script> 100 %"], "types"));
         await page.keyboard.press("ArrowUp");
         check(!await page.locator("#types").isVisible(), "main met none");
         await close(page);
     });

test("a tooltip tells the most frequent types", async (browser) => {
    const page = await openPage(browser, "typed");
    await page.mouse.move(...await at(page, 2, 0.75));
    const tip = (await text(page, "#tip")).replace(/\s+/g, " ");
    check(tip.includes("Line 11 ADD (int, int) 75.0 % \u2026"), tip);
    check(tip.includes("Line 12 <2> int 90.0 % \u2026"), tip);
    await close(page);
});

test("even a script that got in would not run", async (browser) => {
    const page = await openPage(browser);
    const ran = await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "window.gotIn = true";
        document.body.append(script);
        return window.gotIn === true;
    });
    check(!ran, "the policy let it run");
    check(page.faults.every((fault) => /Content Security Policy/.test(fault)),
          page.faults.join());
    await page.close();
});

await run();
