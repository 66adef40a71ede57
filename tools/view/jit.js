/* SPDX-License-Identifier: MIT */

/* The JIT's traces, and the way to the page of each. */

const jit = data.jit || null;

const traceOf = new Map();
const traceOfFunction = new Map();
const bridgesOf = new Map(); /* by loop, in the order of the file */
for (const trace of jit ? jit.traces : []) {
    traceOf.set(trace.n, trace);
    if (trace.function)
        traceOfFunction.set(trace.function - 1, trace);
    if (trace.root !== trace.n) {
        if (!bridgesOf.has(trace.root))
            bridgesOf.set(trace.root, []);
        bridgesOf.get(trace.root).push(trace);
    }
}

/* What an array of figures holds. */
const SELF = 0, TOTAL = 1, ENTRIES = 2, UNRELIABLE = 4, SELF_NS = 5,
    TOTAL_NS = 6, SAMPLES = 7;

const TRACE_KIND = 6;

function traceName(number)
{
    if (!number)
        return "interpreter";
    const trace = traceOf.get(number);
    return trace ? trace.name.slice(0, 200) : `trace #${number}`;
}

function placeText(place)
{
    if (!place)
        return "";
    const [name, file, line] = place;
    return name + (file || line ? ` (${file || "?"}:${line})` : "");
}

/* The line itself, if the page has it; "" else. */
function placeSource(place)
{
    const lines = place && jit.source && jit.source[place[1]];
    return lines && Object.hasOwn(jit.source, place[1]) &&
        Object.hasOwn(lines, place[2]) ? lines[place[2]] : "";
}

function traceLink(number)
{
    if (!traceOf.has(number))
        return element("span", traceName(number));
    const link = element("a", traceName(number), "trace");
    link.href = "#loop-" + number;
    return link;
}

/* The trace that a box of the graph is, or null. */
function traceOfBox(box)
{
    const label = box && labels[box.label];
    return (label && label.kind === TRACE_KIND &&
            traceOfFunction.get(label.number)) || null;
}

function showLoopLink(box)
{
    const trace = traceOfBox(box);
    const link = byId("loop-link");
    link.hidden = !trace;
    if (!trace)
        return;
    link.href = "#loop-" + trace.n;
    link.textContent = "Open " + trace.name.slice(0, 80);
}

function showJit(shown)
{
    byId("jit").hidden = !shown;
    byId("graph").hidden = shown;
    byId("where").hidden = shown;
    byId("functions").hidden =
        shown || byId("table-toggle").getAttribute("aria-expanded") !== "true";
    byId("jit-toggle").setAttribute("aria-expanded", String(shown));
    byId("jit-toggle").textContent = shown ? "Graph" : "Loops";
    redraw();
}

/* "#loop-3" is the page of trace 3. */
function followHash()
{
    const found = /^#loop-(\d+)$/.exec(location.hash);
    const trace = found && traceOf.get(Number(found[1]));
    if (!trace)
        return;
    showJit(true);
    showLoop(trace);
    byId("loop").scrollIntoView();
    byId("loop").querySelector("h2").focus();
}

/* A second click on the same link is no change of the address. */
function listenToJit()
{
    byId("jit-toggle").hidden = !jit;
    if (!jit)
        return;
    byId("jit-toggle").addEventListener(
        "click", () => showJit(byId("jit").hidden));
    addEventListener("hashchange", followHash);
    document.addEventListener("click", (event) => {
        const link = event.target.closest("a[href^='#loop-']");
        if (link && link.getAttribute("href") === location.hash)
            followHash();
    });
    fillTimes();
    fillLoops();
    fillGraph();
    followHash();
}
