/* SPDX-License-Identifier: MIT */

/* What the VM was doing when, as strips. */

const PHASE_NAMES = ["interpreting", "tracing", "optimising", "JIT backend",
                     "compiled code", "blackhole", "garbage collection",
                     "native code"];
const STRIP_HEIGHT = 40;

function svg(name, attributes, text)
{
    const made = document.createElementNS(byId("drawing").namespaceURI, name);
    for (const key in attributes)
        made.setAttribute(key, attributes[key]);
    if (text !== undefined)
        made.textContent = text;
    return made;
}

function drawBin(strip, bin, at, most)
{
    let y = STRIP_HEIGHT;
    bin.forEach((ns, phase) => {
        const height = ns / most * STRIP_HEIGHT;
        y -= height;
        if (ns)
            strip.append(svg("rect", { x: at, y, width: 1.02, height,
                                       class: "phase-" + phase }));
    });
}

function timeStrip(timeline, source)
{
    const sums = timeline.bins.map((bin) => bin.reduce((a, b) => a + b, 0));
    const most = Math.max(...sums);
    const whole = timeline.width * timeline.bins.length;
    const strip = svg("svg", {
        viewBox: `0 0 ${timeline.bins.length} ${STRIP_HEIGHT}`,
        preserveAspectRatio: "none", class: "strip", role: "img",
        "aria-label": `Phases over ${formatTime(whole)}, ${source}`,
    });
    timeline.bins.forEach((bin, at) => drawBin(strip, bin, at, most));
    const text = timeline.compiledFrom === undefined
        ? "90 % of the time never ran compiled"
        : `90 % of the time ran compiled from ${
            formatTime(timeline.compiledFrom)} on`;
    const caption = element("figcaption");
    caption.append(element("span", text), element("mark", source, "method"),
                   element("span", formatTime(whole), "end"));
    const figure = element("figure");
    figure.append(strip, caption);
    return figure;
}

function phaseLegend(timelines)
{
    const list = element("ul", "", "phases");
    PHASE_NAMES.forEach((name, phase) => {
        if (!timelines.some(({ bins }) => bins.some((bin) => bin[phase])))
            return;
        const item = element("li");
        item.append(element("i", "", "swatch phase-" + phase), name);
        list.append(item);
    });
    return list;
}

function fillTimes()
{
    const shown = [[jit.byEvents, "events"], [jit.bySamples, "sampled"]]
        .filter(([timeline]) => timeline.bins.length);
    byId("jit-time").replaceChildren(
        ...shown.map(([timeline, source]) => timeStrip(timeline, source)),
        phaseLegend(shown.map(([timeline]) => timeline)));
}
