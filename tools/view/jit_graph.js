/* SPDX-License-Identifier: MIT */

/*
 * Which traces lead to which: a layer for each step from the interpreter, in
 * each the order that crosses least. Lines that lead back go around.
 */

const BOX = { width: 150, height: 36, across: 26, down: 64 };
const MOST_BOXES = 30;
const MOST_IN_ROW = 6;
const MOST_NUMBERS = 40;

/* Without events: guards with their bridges, and where traces end. */
function knownEdges()
{
    const edges = [];
    for (const trace of jit.traces) {
        for (const guard of trace.guards || [])
            if (guard.bridge)
                edges.push([trace.n, guard.bridge, guard.fails || 0]);
        if (trace.into && trace.into !== trace.n)
            edges.push([trace.n, trace.into, 0]);
        if (trace.root === trace.n)
            edges.push([0, trace.n, 0]);
    }
    return edges;
}

/* The traces that have most edges, weighed by how often they were taken. */
function chooseBoxes(edges)
{
    const weights = new Map([[0, Infinity]]);
    for (const [from, to, count] of edges)
        for (const number of [from, to])
            weights.set(number, (weights.get(number) || 0) + count + 1);
    return [...weights].sort((a, b) => b[1] - a[1] || a[0] - b[0])
        .slice(0, MOST_BOXES).map(([number]) => number);
}

function findLayers(numbers, edges)
{
    const layer = new Map([[0, 0]]);
    const waiting = [0];
    while (waiting.length) {
        const from = waiting.shift();
        for (const [a, to] of edges)
            if (a === from && !layer.has(to)) {
                layer.set(to, layer.get(from) + 1);
                waiting.push(to);
            }
    }
    const layers = [];
    for (const number of numbers) {
        const at = layer.has(number) ? layer.get(number) : 1;
        (layers[at] = layers[at] || []).push(number);
    }
    return layers.filter(Boolean);
}

/* Each box goes to the middle of those that it is connected with. */
function orderLayer(row, place, edges)
{
    const middle = new Map(row.map((number) => {
        const near = edges.flatMap(([from, to]) =>
            from === number ? [to] : to === number ? [from] : [])
            .filter((other) => place.has(other)).map((other) =>
                place.get(other));
        return [number, near.length
            ? near.reduce((a, b) => a + b, 0) / near.length : 0];
    }));
    row.sort((a, b) => middle.get(a) - middle.get(b) || a - b);
    row.forEach((number, i) => place.set(number, i - (row.length - 1) / 2));
}

function cutRows(layers)
{
    return layers.flatMap((layer) => {
        const rows = [];
        for (let i = 0; i < layer.length; i += MOST_IN_ROW)
            rows.push(layer.slice(i, i + MOST_IN_ROW));
        return rows;
    });
}

function layOut(numbers, edges)
{
    const rows = cutRows(findLayers(numbers, edges));
    const place = new Map();
    for (let pass = 0; pass < 4; pass++)
        for (const row of pass % 2 ? [...rows].reverse() : rows)
            orderLayer(row, place, edges);
    const widest = Math.max(...rows.map((row) => row.length));
    const boxes = new Map();
    rows.forEach((row, i) => row.forEach((number) => boxes.set(number, {
        number,
        x: (place.get(number) + (widest - 1) / 2) * (BOX.width + BOX.across) +
            BOX.across * 2,
        y: i * (BOX.height + BOX.down) + BOX.down / 2,
    })));
    return { boxes, width: widest * (BOX.width + BOX.across) + BOX.across * 5,
             height: rows.length * (BOX.height + BOX.down) };
}

/* Right of all boxes between two heights. */
function sideOf(boxes, top, bottom)
{
    const between = [...boxes.values()].filter(({ y }) =>
        y >= top && y <= bottom);
    return Math.max(...between.map(({ x }) => x)) + BOX.width + BOX.across;
}

/*
 * Downwards from bottom to top; to itself a loop; else around the side. With
 * the point of its arrow, and where that points.
 */
function edgePath(from, to, boxes)
{
    const x = from.x + BOX.width / 2, bottom = from.y + BOX.height;
    const right = from.x + BOX.width, middle = from.y + BOX.height / 2;
    if (from === to)
        return { d: `M${right} ${middle - 8}c26 -10 26 26 0 16`,
                 tip: arrow(right, middle + 8, true) };
    if (to.y > from.y) {
        const bend = (to.y - bottom) / 2;
        const end = to.x + BOX.width / 2;
        return { d: `M${x} ${bottom}C${x} ${bottom + bend} ${end} ` +
                     `${to.y - bend} ${end} ${to.y}`,
                 tip: arrow(end, to.y, false) };
    }
    const end = to.x + BOX.width, there = to.y + BOX.height / 2 + 6;
    const side = sideOf(boxes, to.y, from.y);
    return { d: `M${right} ${middle}C${side} ${middle} ${side} ${there} ` +
                 `${end} ${there}`,
             tip: arrow(end, there, true) };
}

/* To the left, or down. */
function arrow(x, y, isLeft)
{
    return isLeft ? `M${x} ${y}l8 -4v8z` : `M${x} ${y}l-4 -8h8z`;
}

function drawEdge([from, to, count], boxes, most)
{
    const group = svg("g", { class: "edge" });
    const width = count ? 1 + 3 * Math.log1p(count) / Math.log1p(most) : 1;
    const { d, tip } = edgePath(boxes.get(from), boxes.get(to), boxes);
    const path = svg("path", { d, "stroke-width": width.toFixed(2) });
    group.append(path, svg("path", { d: tip, class: "tip" }),
                 svg("title", {}, `${traceName(from)} \u2192 ` +
                     traceName(to) + (count ? `: ${formatCount(count)}` : "")));
    return { group, path, count };
}

/* Where a line is half way, its number; only of those taken most. */
function drawNumbers(root, drawn)
{
    for (const { path, count } of drawn.slice(0, MOST_NUMBERS)) {
        if (!count)
            continue;
        const { x, y } = path.getPointAtLength(path.getTotalLength() / 2);
        root.append(svg("text", { x, y, class: "number" },
                        shortCount(count)));
    }
}

function shortCount(count)
{
    const unit = [[1e9, "G"], [1e6, "M"], [1e3, "k"]].find(
        ([size]) => count >= size * 10);
    return unit ? Math.round(count / unit[0]) + " " + unit[1]
                : formatCount(count);
}

function drawBox({ number, x, y })
{
    const trace = traceOf.get(number);
    const name = traceName(number);
    const box = number ? svg("a", { href: "#loop-" + number })
                       : svg("g", {});
    const share = trace && (hasEvents() ? trace.own[SELF] / jit.eventNs
                                        : trace.own[SELF_NS] / jit.sampledNs);
    box.setAttribute("class", "box");
    box.append(
        svg("rect", { x, y, width: BOX.width, height: BOX.height, rx: 5,
                      class: "kind-" + (trace ? trace.kind.split(" ")[0]
                                              : "none") }),
        svg("text", { x: x + 8, y: y + 15 },
            name.length > 22 ? name.slice(0, 21) + "\u2026" : name),
        svg("text", { x: x + 8, y: y + 29, class: "small" },
            trace ? `${trace.kind}, ${formatShare(share || 0, 1)}` : ""),
        svg("title", {}, name + (trace && trace.place
            ? "\n" + placeText(trace.place).slice(0, 500) : "")));
    return box;
}

function fillGraph()
{
    const all = jit.transitions.length ? jit.transitions : knownEdges();
    const numbers = chooseBoxes(all);
    const shown = new Set(numbers);
    const edges = all.filter(([from, to]) => shown.has(from) && shown.has(to))
        .sort((a, b) => b[2] - a[2]);
    byId("jit-graph").hidden = !edges.length;
    if (!edges.length)
        return;
    const { boxes, width, height } = layOut(numbers, edges);
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height,
                              role: "img", "aria-label":
                              "Transitions between traces" });
    const drawn = edges.map((edge) => drawEdge(edge, boxes, edges[0][2] || 1));
    root.append(...drawn.map(({ group }) => group),
                ...[...boxes.values()].map(drawBox));
    const caption = element("figcaption", `Transitions between ${
        numbers.length - 1} traces` + (numbers.length === MOST_BOXES
        ? ", those with most of them" : ""));
    caption.append(element("mark", jit.transitions.length ? "events"
        : "counts", "method"));
    byId("jit-graph").replaceChildren(root, caption);
    drawNumbers(root, drawn);
}
