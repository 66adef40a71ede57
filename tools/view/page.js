/* SPDX-License-Identifier: MIT */

/* The page: what the reader chose, and what happens when that changes. */

const byId = (id) => document.getElementById(id);

const filter = { thread: "all", state: "all", phases: false };
const view = { order: "down", label: -1, root: null, zoom: null,
               selected: null, match: null, exact: -1, flip: false, rows: 1,
               width: 0, height: 0 };

let frameAsked = false;

function redraw()
{
    if (frameAsked)
        return;
    frameAsked = true;
    requestAnimationFrame(() => {
        frameAsked = false;
        draw(view);
    });
}

/* Between slashes a regular expression, else part of a name or a file. */
function makeTest(text)
{
    if (text.length > 2 && text.startsWith("/") && text.endsWith("/")) {
        try {
            const expression = new RegExp(text.slice(1, -1), "i");
            return (label) => expression.test(label.name) ||
                expression.test(label.place);
        } catch {
            return null;
        }
    }
    const wanted = text.toLowerCase();
    return (label) => label.name.toLowerCase().includes(wanted) ||
        label.place.toLowerCase().includes(wanted);
}

function showFound(test)
{
    const found = byId("found");
    const count = view.match ? labels.filter(
        (_, label) => view.match[label] && sums.labelTotal[label]).length : 0;
    if (!test)
        found.textContent = "not a regular expression";
    else if (!view.match)
        found.textContent = "";
    else
        found.textContent = formatShare(timeWith(view.match), sums.total[0]) +
            " of the time in " + formatCount(count) +
            (count === 1 ? " function" : " functions");
}

function search()
{
    const text = byId("search").value;
    const test = makeTest(text);
    if (view.exact >= 0)
        view.match = Uint8Array.from(labels, (_, i) => i === view.exact);
    else
        view.match = text && test ? Uint8Array.from(labels, test) : null;
    showFound(test);
    refillTable();
    redraw();
}

function describe(box)
{
    if (box.label < 0)
        return `${rootName()}, total ${formatTime(box.total)}`;
    const label = labels[box.label];
    return `${label.name}, ${label.place || "no file"}, ` +
        `${(KINDS[label.kind] || KINDS[0]).text}, ` +
        `total ${formatTime(box.total)}, ` +
        `${formatShare(box.total, sums.total[0])}, ` +
        `self ${formatTime(selfOf(box))}`;
}

function select(box)
{
    view.selected = box;
    byId("selected").textContent = box ? describe(box).slice(0, 600) : "";
    showTypes(box);
    showLoopLink(box);
    if (box)
        scrollTo(view, box);
    redraw();
}

const past = [];

function zoomTo(box, remember = true)
{
    if (remember && view.zoom && view.zoom !== box)
        past.push({ order: view.order, label: view.label, root: view.root,
                    zoom: view.zoom });
    view.zoom = box;
    select(box);
    fillCrumbs();
    redraw();
}

function zoomOut()
{
    const last = past.pop();
    if (last) {
        Object.assign(view, last);
        byId("order").value = view.order;
        zoomTo(last.zoom, false);
    } else if (view.zoom.parent) {
        zoomTo(view.zoom.parent, false);
    }
}

function reset()
{
    past.length = 0;
    view.label = -1;
    rebuild();
}

function crumb(text, action, current)
{
    const item = element("li");
    const button = element("button", text);
    button.type = "button";
    if (current)
        button.setAttribute("aria-current", "true");
    if (action)
        button.addEventListener("click", action);
    else
        button.disabled = true;
    item.append(button);
    return item;
}

function rootName()
{
    if (view.label < 0)
        return "all";
    return (view.order === "up" ? "callers of " : "callees of ") +
        labels[view.label].name.slice(0, 80);
}

/* The way to what is zoomed to; of a long one the middle is left out. */
function fillCrumbs()
{
    const path = ancestorsOf(view.zoom);
    const shown = path.length > 8 ? [path[0], null, ...path.slice(-5)] : path;
    const items = shown.map((box) => box
        ? crumb(box.parent ? boxName(box).slice(0, 80) : rootName(),
                () => zoomTo(box), box === view.zoom)
        : crumb(`\u2026 ${path.length - 6} more`, null, false));
    if (view.label >= 0)
        items.unshift(crumb("everything", reset, false));
    const share = element("li", formatTime(view.zoom.total) + ", " +
        formatShare(view.zoom.total, sums.total[0]), "share");
    byId("crumbs").replaceChildren(...items, share);
}

/* The sums or the order changed: all boxes are new. */
function rebuild()
{
    view.root = makeRoot(view.order, view.label);
    view.zoom = null;
    zoomTo(view.root, false);
    draw(view);
    scroller.scrollTop = view.flip ? scroller.scrollHeight : 0;
}

function refilter()
{
    past.length = 0;
    filter.thread = byId("thread").value;
    filter.state = byId("state").value;
    filter.phases = byId("phases").checked;
    sumUp(filter);
    search();
    rebuild();
}

function focusOn(order, label)
{
    past.push({ order: view.order, label: view.label, root: view.root,
                zoom: view.zoom });
    view.order = order;
    view.label = label;
    byId("order").value = order;
    rebuild();
}

const actions = {
    find(label) {
        view.exact = label === view.exact ? -1 : label;
        byId("search").value = view.exact < 0 ? "" : labels[label].name;
        search();
    },
    focus: focusOn,
};

/* A search narrows the table; picking one of its rows does not. */
function refillTable()
{
    fillTable(view.exact < 0 ? view.match : null, view.exact, actions);
}

/* The box next to the selected one, or the selected one itself. */
function neighbour(box, direction)
{
    const deeper = view.flip ? "ArrowUp" : "ArrowDown";
    const outer = view.flip ? "ArrowDown" : "ArrowUp";
    if (direction === outer)
        return box.parent || box;
    if (direction === deeper)
        return childrenOf(box).find(entryOf) || box;
    const beside = box.parent ? childrenOf(box.parent) : [box];
    const next = beside[beside.indexOf(box) +
                        (direction === "ArrowRight" ? 1 : -1)];
    return next && entryOf(next) ? next : box;
}

const keys = {
    Enter: () => zoomTo(view.selected || view.zoom),
    " ": () => zoomTo(view.selected || view.zoom),
    Escape: zoomOut,
    Backspace: zoomOut,
    0: reset,
    Home: reset,
    c: () => focusSelected("up"),
    e: () => focusSelected("down"),
};

function focusSelected(order)
{
    if (view.selected && view.selected.label >= 0)
        focusOn(order, view.selected.label);
}

function onKey(event)
{
    if (event.ctrlKey || event.metaKey || event.altKey)
        return;
    if (event.key.startsWith("Arrow"))
        select(neighbour(view.selected || view.zoom, event.key));
    else if (Object.hasOwn(keys, event.key))
        keys[event.key]();
    else
        return;
    hideTip();
    event.preventDefault();
}

function listenToCanvas()
{
    canvas.addEventListener("click", (event) => {
        const box = boxAt(view, event.offsetX, event.offsetY);
        if (box)
            zoomTo(box);
        hideTip();
    });
    canvas.addEventListener("mousemove", showTip);
    canvas.addEventListener("mouseleave", hideTip);
    canvas.addEventListener("keydown", onKey);
    canvas.addEventListener("focus", redraw);
    canvas.addEventListener("blur", redraw);
    scroller.addEventListener("scroll", () => {
        hideTip();
        redraw();
    });
    new ResizeObserver(redraw).observe(scroller);
}

function listenToTools()
{
    let timer = 0;
    byId("search").addEventListener("input", () => {
        clearTimeout(timer);
        view.exact = -1;
        timer = setTimeout(search, 60);
    });
    for (const id of ["thread", "state", "phases"])
        byId(id).addEventListener("change", refilter);
    byId("order").addEventListener("change", () => {
        past.length = 0;
        view.order = byId("order").value;
        rebuild();
    });
    byId("flip").addEventListener("change", () => {
        view.flip = byId("flip").checked;
        rebuild();
    });
    document.addEventListener("keydown", (event) => {
        if (event.key === "/" && event.target.tagName !== "INPUT") {
            byId("search").focus();
            event.preventDefault();
        } else if (event.key === "Escape" && event.target.id === "search") {
            byId("search").value = "";
            view.exact = -1;
            search();
            canvas.focus();
        }
    });
}

function threadTotals()
{
    const totals = new Map();
    for (const thread of data.threads) {
        const entry = totals.get(thread.index) ||
            { index: thread.index, name: thread.name, id: thread.id, ns: 0 };
        for (const ns of thread.ns)
            entry.ns += ns;
        totals.set(thread.index, entry);
    }
    return [...totals.values()].sort((a, b) => b.ns - a.ns);
}

function fillThreads()
{
    const totals = threadTotals();
    const all = element("option", `all ${formatCount(totals.length)}`);
    all.value = "all";
    byId("thread").append(all, ...totals.map((thread) => {
        const option = element("option", `${thread.name.slice(0, 60) || "[unnamed]"} ` +
            `(${thread.id}) ${formatShare(thread.ns, sums.total[0])}`);
        option.value = String(thread.index);
        return option;
    }));
    byId("thread-field").hidden = totals.length < 2;
    byId("state-field").hidden = !data.threads.some((thread) => thread.off);
    byId("phases-field").hidden = !labels.some((label) => label.phase);
}

(function start() {
    document.title = data.title.slice(0, 200) + " \u2013 flame graph";
    byId("title").textContent = data.title.slice(0, 300);
    if (matchMedia("(max-width: 760px)").matches)
        toggle(byId("table-toggle"), "functions");
    sumUp(filter);
    showFacts(sums.total[0], takenSamples());
    showWarnings(sums.total[0], takenSamples());
    fillMarkers();
    hasTime = sums.labelTotal.map((time) => time > 0);
    fillThreads();
    recolour();
    listenToCanvas();
    listenToTools();
    listenToToggles();
    listenToTable(refillTable);
    rebuild();
    listenToJit();
})();
