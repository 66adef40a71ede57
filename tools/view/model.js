/* SPDX-License-Identifier: MIT */
"use strict";

/*
 * The profile, and its sums for the threads and the kind of time that the
 * reader chose. Nodes are numbers; a parent's is less than its children's.
 */

const KIND_BITS = 5;
const PHASE_KINDS = 16;

const KINDS = [
    { key: "cut", text: "unknown" },
    { key: "code", text: "interpreted" },
    { key: "blackhole", text: "blackhole interpreter" },
    { key: "jitted", text: "compiled by the JIT" },
    { key: "jitting", text: "JIT compiler" },
    { key: "gc", text: "garbage collector" },
    { key: "trace", text: "trace of the JIT" },
    { key: "native", text: "native" },
    { key: "system", text: "system calls" },
    { key: "nopoll", text: "between polls" },
    { key: "machine", text: "machine code" },
];

/* Time without a frame: that of no phase, then of the phases from 1 on. */
const EXTRAS = [
    { kind: 7, name: "[native]" },
    { kind: 0, name: "[off-CPU]" },
    { kind: 0, name: "[unsampled]" },
];
const UNSAMPLED = EXTRAS[2];
const GAPS = ["[system calls]", "[no poll]"];

const PHASES = [
    null,
    { kind: 4, name: "[tracing]" },
    { kind: 4, name: "[optimising]" },
    { kind: 4, name: "[JIT backend]" },
    { kind: 3, name: "[compiled code]" },
    { kind: 2, name: "[blackhole]" },
    { kind: 5, name: "[garbage collection]" },
    { kind: 7, name: "[native code]" },
];

const data = JSON.parse(document.getElementById("data").textContent);

function undelta(values)
{
    let sum = 0;
    return Int32Array.from(values, (value) => (sum += value));
}

/* A label is a function with a kind, or a phase of the VM. */
function makeLabels(raw)
{
    const numbers = new Map();
    const labels = [];
    const of = Int32Array.from(raw, (label) => {
        let number = numbers.get(label);
        if (number === undefined) {
            number = labels.push(makeLabel(label)) - 1;
            numbers.set(label, number);
        }
        return number;
    });
    return { labels, of };
}

function makeLabel(label)
{
    const kind = label % (1 << KIND_BITS);
    const number = Math.floor(label / (1 << KIND_BITS));
    if (kind === PHASE_KINDS)
        return { ...EXTRAS[number], place: "", phase: false };
    if (kind > PHASE_KINDS)
        return { ...PHASES[kind - PHASE_KINDS], place: "", phase: true };
    const [name, file, line, module] = data.functions[number];
    const where = file ? file + (line ? ":" + line : "")
                       : line ? "line " + line : "";
    const place = [where, module].filter(Boolean).join(" in ");
    return { name: name || "[unnamed]", place, kind, number, phase: false };
}

const { labels, of: labelOfChild } = makeLabels(data.labels);
const nodeCount = data.parents.length + 1;
const parentOf = new Int32Array(nodeCount);
const labelOf = new Int32Array(nodeCount).fill(-1);
for (let node = 1; node < nodeCount; node++) {
    parentOf[node] = node - data.parents[node - 1];
    labelOf[node] = labelOfChild[node - 1];
}
for (const thread of data.threads)
    thread.nodes = undelta(thread.nodes);

/* Children of all nodes in one array, those of a node beside each other. */
const firstChild = new Int32Array(nodeCount + 1);
const children = new Int32Array(nodeCount);
(function fillChildren() {
    for (let node = 1; node < nodeCount; node++)
        firstChild[parentOf[node] + 1]++;
    for (let node = 0; node < nodeCount; node++)
        firstChild[node + 1] += firstChild[node];
    const next = firstChild.slice();
    for (let node = 1; node < nodeCount; node++)
        children[next[parentOf[node]]++] = node;
})();

/*
 * Whether no frame below has the same label: a recursive function's total is
 * the sum over its outermost calls.
 */
const outermost = new Uint8Array(nodeCount);
(function findOutermost() {
    const active = new Int32Array(labels.length);
    const stack = [0];
    while (stack.length) {
        const node = stack.pop();
        if (node < 0) {
            active[labelOf[~node]]--;
            continue;
        }
        if (node) {
            outermost[node] = active[labelOf[node]]++ === 0 ? 1 : 0;
            stack.push(~node);
        }
        for (let i = firstChild[node]; i < firstChild[node + 1]; i++)
            stack.push(children[i]);
    }
})();

/* What is shown now: sums in nanoseconds and samples, by node and label. */
const sums = {
    self: new Float64Array(nodeCount),
    total: new Float64Array(nodeCount),
    samples: new Float64Array(nodeCount),
    totalSamples: new Float64Array(nodeCount),
    labelSelf: new Float64Array(labels.length),
    labelTotal: new Float64Array(labels.length),
};

function isChosen(thread, filter)
{
    return (filter.thread === "all" || Number(filter.thread) === thread.index)
        && (filter.state === "all" || (filter.state === "off") === thread.off);
}

/* Without phases as frames their time is their function's own. */
function shownNode(node, phases)
{
    return !phases && node && labels[labelOf[node]].phase ? parentOf[node]
                                                          : node;
}

function sumUp(filter)
{
    for (const name in sums)
        sums[name].fill(0);
    for (const thread of data.threads) {
        if (!isChosen(thread, filter))
            continue;
        thread.nodes.forEach((raw, i) => {
            const node = shownNode(raw, filter.phases);
            sums.self[node] += thread.ns[i];
            sums.samples[node] += thread.samples[i];
        });
    }
    sums.total.set(sums.self);
    sums.totalSamples.set(sums.samples);
    for (let node = nodeCount - 1; node > 0; node--) {
        const label = labelOf[node];
        sums.total[parentOf[node]] += sums.total[node];
        sums.totalSamples[parentOf[node]] += sums.totalSamples[node];
        sums.labelSelf[label] += sums.self[node];
        if (outermost[node])
            sums.labelTotal[label] += sums.total[node];
    }
}

/* The time of the stacks that hold one of the labels, counted once each. */
function timeWith(isMatch)
{
    const inside = new Uint8Array(nodeCount);
    let time = 0;
    for (let node = 1; node < nodeCount; node++) {
        inside[node] = inside[parentOf[node]] | isMatch[labelOf[node]];
        if (inside[node])
            time += sums.self[node];
    }
    return time;
}

/* Entries of time that no sample was taken of are none. */
function takenSamples()
{
    let taken = sums.totalSamples[0];
    for (let node = 1; node < nodeCount; node++) {
        const { name, place } = labels[labelOf[node]];
        if (GAPS.includes(name) && !place)
            taken -= sums.samples[node];
    }
    return taken;
}

function unsampledTime()
{
    const label = labels.findIndex(({ name, place }) =>
        name === UNSAMPLED.name && !place);
    return label < 0 ? 0 : sums.labelSelf[label];
}

/* "/usr/share/app/lib/list.lua:3" as "\u2026/lib/list.lua:3". */
function shortPlace(place)
{
    if (place.length < 40)
        return place;
    const cut = place.indexOf("/", place.length - 39);
    return "\u2026" + (cut < 0 ? place.slice(-38) : place.slice(cut));
}

function formatTime(ns)
{
    if (ns >= 1e10)
        return (ns / 1e9).toFixed(1) + " s";
    if (ns >= 1e9)
        return (ns / 1e9).toFixed(2) + " s";
    if (ns >= 1e6)
        return (ns / 1e6).toFixed(ns >= 1e8 ? 0 : 1) + " ms";
    return (ns / 1e3).toFixed(ns >= 1e5 || ns === 0 ? 0 : 1) + " \u00b5s";
}

function formatCount(count)
{
    return count.toLocaleString("en");
}

function formatShare(part, whole)
{
    const share = whole > 0 ? 100 * part / whole : 0;
    return share.toFixed(share < 9.995 ? 2 : 1) + " %";
}
