/* SPDX-License-Identifier: MIT */

/* The page of a trace: what it is, its lines, operations and machine code. */

function fact(list, name, ...values)
{
    const part = element("div");
    const value = element("dd");
    value.append(...values);
    part.append(element("dt", name), value);
    list.append(part);
}

function methodValue(text, method)
{
    const value = element("span", text);
    value.append(element("mark", method, "method"));
    return value;
}

function eventFacts(list, trace)
{
    const of = trace.own;
    fact(list, "Self", methodValue(
        `${formatTime(of[SELF])}, ${formatShare(of[SELF], jit.eventNs)}` +
        (of[UNRELIABLE] ? ` ?` : ""), "events"));
    fact(list, "Total", methodValue(formatTime(of[TOTAL]), "events"));
    fact(list, "Entries", methodValue(formatCount(of[ENTRIES]), "events"));
    if (of[UNRELIABLE])
        fact(list, "Unreliable", SHORT_TEXT);
}

function sampledFacts(list, trace)
{
    const of = trace.own;
    fact(list, "Self", methodValue(
        `${formatTime(of[SELF_NS])}, ${
            formatShare(of[SELF_NS], jit.sampledNs)}, ${
            formatCount(of[SAMPLES])} samples`, "sampled"));
    fact(list, "Total", methodValue(formatTime(of[TOTAL_NS]), "sampled"));
}

function linkFacts(list, trace)
{
    const bridges = bridgesOf.get(trace.n) || [];
    if (trace.parent)
        fact(list, "From a guard of", traceLink(trace.parent));
    if (trace.end)
        fact(list, "Ends in", trace.end + " ",
             trace.into && trace.into !== trace.n ? traceLink(trace.into) : "");
    if (bridges.length)
        fact(list, "Bridges", ...bridges.slice(0, 50).flatMap(
            (bridge) => [traceLink(bridge.n), " "]));
}

function traceFacts(trace)
{
    const list = element("dl", "", "facts");
    fact(list, "Kind", trace.kind + (trace.freed ? ", unregistered" : ""));
    if (trace.place)
        fact(list, "Begins at", placeText(trace.place).slice(0, 500));
    if (hasEvents())
        eventFacts(list, trace);
    if (hasSamples())
        sampledFacts(list, trace);
    if (trace.counted !== undefined)
        fact(list, "Entries", methodValue(formatCount(trace.counted),
                                          "counts"));
    if (trace.doubts)
        fact(list, "Events and samples differ",
             `by ${trace.points} points: ${trace.doubts.join(", ")}`);
    if (trace.aborted !== undefined)
        fact(list, "Aborted", trace.aborted.slice(0, 500) || "no reason given");
    linkFacts(list, trace);
    if (trace.address)
        fact(list, "Machine code", `${formatCount(trace.size || 0)} bytes at ` +
            `0x${trace.address.toString(16)}`);
    return list;
}

function table(caption, heads)
{
    const made = element("table");
    const row = element("tr");
    for (const [text, className] of heads) {
        const cell = element("th", text, className);
        cell.scope = "col";
        row.append(cell);
    }
    const head = element("thead"), body = element("tbody");
    head.append(row);
    made.append(element("caption", caption), head, body);
    return { made, body };
}

function heatCell(ns, whole)
{
    const cell = element("td", "", "heat");
    if (!ns)
        return cell;
    const bar = element("span", "", "bar");
    bar.style.width = 100 * ns / whole + "%";
    cell.append(bar, element("span", formatShare(ns, whole)));
    cell.title = formatTime(ns);
    return cell;
}

function wholeHeat(trace)
{
    return (trace.heat || []).reduce((sum, [, ns]) => sum + ns, 0);
}

function addSource(cell, place)
{
    const text = placeSource(place);
    if (text)
        cell.append(" ", element("code", text.trim(), "source"));
}

/* Time by line of the source, those of the program that run in the trace. */
function linesTable(trace)
{
    const lines = new Map();
    const add = (place, ns) => {
        if (!place)
            return;
        const key = placeText(place);
        const line = lines.get(key) || { place, ns: 0 };
        line.ns += ns;
        lines.set(key, line);
    };
    for (const [,,,, place] of trace.operations || [])
        add(place, 0);
    for (const [, ns,, place] of trace.heat || [])
        add(place, ns);
    if (!lines.size)
        return "";
    const { made, body } = table("Lines", [["Sampled", "heat"], ["Line", ""]]);
    made.className = "lines";
    for (const [key, { place, ns }] of [...lines].slice(0, 500)) {
        const row = element("tr");
        const cell = element("td", key.slice(0, 300));
        addSource(cell, place);
        row.append(heatCell(ns, wholeHeat(trace)), cell);
        body.append(row);
    }
    return made;
}

function heatBetween(trace, from, to)
{
    return (trace.heat || []).reduce((sum, [offset, ns]) =>
        offset >= from && offset < to ? sum + ns : sum, 0);
}

function guardText(guard)
{
    return [guard.fails === undefined ? "" : `failed ${
        formatCount(guard.fails)} times (counts)`,
            guard.exits ? `left ${formatCount(guard.exits)} times (events)`
                        : ""].filter(Boolean).join(", ");
}

function placeRow(place)
{
    const row = element("tr", "", "place");
    const cell = element("th", placeText(place).slice(0, 300));
    addSource(cell, place);
    cell.colSpan = 3;
    cell.scope = "rowgroup";
    row.append(cell);
    return row;
}

function operationRow(trace, [offset, size, text, guardNumber])
{
    const row = element("tr", "", "operation");
    const guard = guardNumber &&
        trace.guards.find(({ n }) => n === guardNumber);
    const cell = element("td", text.slice(0, 1000));
    if (guard) {
        row.id = "guard-" + guard.n;
        cell.append(element("small", " " + guardText(guard)));
        if (guard.bridge)
            cell.append(" \u2192 ", traceLink(guard.bridge));
    }
    row.append(heatCell(heatBetween(trace, offset, offset + size),
                        wholeHeat(trace)),
               element("td", "+" + offset.toString(16), "offset"), cell);
    return row;
}

function codeRow(trace, [offset, bytes, text,, ns])
{
    const row = element("tr", "", "code");
    const cell = element("td", text === null ? bytes.replace(/..(?=.)/g, "$& ")
                                             : text);
    cell.title = bytes;
    row.append(heatCell(ns, wholeHeat(trace)),
               element("td", "+" + offset.toString(16), "offset"), cell);
    return row;
}

function samePlace(a, b)
{
    return placeText(a) === placeText(b);
}

/*
 * Operations, each before the machine code that was made of it; what has no
 * operation goes with its line.
 */
function codeTable(trace)
{
    const operations = trace.operations || [], code = trace.code || [];
    if (!operations.length && !code.length)
        return "";
    const { made, body } = table("Operations and machine code", [
        ["Sampled", "heat"], ["Offset", "offset"], ["Operation", ""]]);
    made.className = "listing";
    let next = 0, place = null;
    const goTo = (there) => {
        if (there && !samePlace(there, place))
            body.append(placeRow(there));
        place = there || place;
    };
    const takeUntil = (offset) => {
        for (; next < operations.length && operations[next][0] <= offset;
             next++) {
            goTo(operations[next][4]);
            body.append(operationRow(trace, operations[next]));
        }
    };
    for (const row of code) {
        takeUntil(row[0]);
        if (!operations.length)
            goTo(row[3]);
        body.append(codeRow(trace, row));
    }
    takeUntil(Infinity);
    if (trace.codeCut)
        body.append(placeRow([`${formatCount(trace.codeCut)} bytes more`, "",
                              0]));
    return made;
}

function guardsTable(trace)
{
    const guards = trace.guards || [];
    if (!guards.length)
        return "";
    const { made, body } = table("Guards", [
        ["Failed", "count"], ["Exits", "count"], ["Offset", "offset"],
        ["Guard", ""], ["Bridge", ""]]);
    made.className = "guards";
    for (const guard of guards) {
        const row = element("tr");
        const bridge = element("td");
        bridge.append(guard.bridge ? traceLink(guard.bridge) : "");
        row.append(element("td", guard.fails === undefined ? ""
            : formatCount(guard.fails), "count"),
                   element("td", guard.exits === undefined ? ""
                       : formatCount(guard.exits), "count"),
                   element("td", "+" + guard.at.toString(16), "offset"),
                   element("td", (guard.text || placeText(guard.place))
                       .slice(0, 500)), bridge);
        body.append(row);
    }
    return made;
}

function waysTable(trace)
{
    const ways = jit.transitions.filter(([from, to]) =>
        from === trace.n || to === trace.n).slice(0, 100);
    if (!ways.length)
        return "";
    const { made, body } = table("Ways in and out", [
        ["Times", "count"], ["From", ""], ["To", ""]]);
    made.className = "ways";
    for (const [from, to, count] of ways) {
        const row = element("tr");
        const ends = [from, to].map((number) => {
            const cell = element("td");
            cell.append(traceLink(number));
            return cell;
        });
        row.append(element("td", formatCount(count), "count"), ...ends);
        body.append(row);
    }
    return made;
}

function showLoop(trace)
{
    const head = element("h2", trace.name.slice(0, 300));
    const page = byId("loop");
    head.tabIndex = -1;
    page.hidden = false;
    page.replaceChildren(head, traceFacts(trace), linesTable(trace),
                         waysTable(trace), guardsTable(trace),
                         codeTable(trace));
}
