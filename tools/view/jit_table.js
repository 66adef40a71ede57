/* SPDX-License-Identifier: MIT */

/* The loops with their times; each figure says how it was found. */

const loopTable = { limit: 20, open: new Set() };

const SHORT_TEXT = "its segments are shorter than five probes";

function hasEvents()
{
    return jit.eventNs > 0;
}

function hasSamples()
{
    return jit.sampledNs > 0;
}

function vague(cell, figures)
{
    if (figures[UNRELIABLE]) {
        const mark = element("abbr", "?");
        mark.title = SHORT_TEXT + (jit.probeNs ? ` of ${jit.probeNs} ns` : "");
        cell.prepend(mark);
    }
    return cell;
}

const loopColumns = [
    { title: "Self", method: "events", when: hasEvents,
      cell: (trace, of) => vague(timeCell(of[SELF], jit.eventNs), of) },
    { title: "Self", method: "sampled", when: hasSamples,
      cell: (trace, of) => timeCell(of[SELF_NS], jit.sampledNs) },
    { title: "Total", method: "sampled", when: hasSamples,
      cell: (trace, of) => timeCell(of[TOTAL_NS], jit.sampledNs) },
    { title: "Entries", method: "events", when: hasEvents,
      cell: (trace, of) => element("td", formatCount(of[ENTRIES]), "count") },
    { title: "ns/entry", method: "events", when: hasEvents,
      cell: (trace, of) => element("td", of[ENTRIES] ? formatCount(
          Math.round(of[SELF] / of[ENTRIES])) : "", "count") },
    { title: "Entries", method: "counts",
      when: () => jit.traces.some((trace) => trace.counted !== undefined),
      cell: (trace) => element("td", trace.counted === undefined ? ""
          : formatCount(trace.counted), "count") },
];

function headCell(column)
{
    const cell = element("th", column.title + " ");
    cell.scope = "col";
    cell.append(element("mark", column.method, "method"));
    return cell;
}

function bridgesButton(trace)
{
    const bridges = bridgesOf.get(trace.n) || [];
    if (trace.root !== trace.n || !bridges.length)
        return "";
    const open = loopTable.open.has(trace.n);
    const button = actionButton(
        `${open ? "\u2212" : "+"} ${bridges.length} bridge` +
        (bridges.length === 1 ? "" : "s"),
        (open ? "Hide" : "Show") + " the bridges of " + trace.name.slice(0, 80),
        () => {
            loopTable.open[open ? "delete" : "add"](trace.n);
            fillLoops();
        });
    button.setAttribute("aria-expanded", String(open));
    return button;
}

function doubtMark(trace)
{
    if (!trace.doubts)
        return "";
    const mark = element("abbr", "\u2260", "doubt");
    mark.title = `Events and samples differ by ${trace.points} points: ` +
        trace.doubts.join(", ");
    return mark;
}

function nameCell(trace, isFolded)
{
    const cell = element("th");
    cell.scope = "row";
    const line = element("span", "", "line");
    line.append(traceLink(trace.n), doubtMark(trace),
                isFolded ? bridgesButton(trace) : "");
    cell.append(line, element("small", [
        trace.kind, shortPlace(placeText(trace.place)),
        trace.aborted !== undefined ? "aborted " + trace.aborted : "",
    ].filter(Boolean).join(", ").slice(0, 300)));
    return cell;
}

function loopRow(trace, isFolded, columns)
{
    const row = element("tr", "", isFolded ? "" : "bridge");
    const figures = isFolded ? trace.all : trace.own;
    row.append(...columns.map((column) => column.cell(trace, figures)),
               nameCell(trace, isFolded));
    return row;
}

/* A loop, and when it is open what its time is made of. */
function loopRows(trace, columns)
{
    if (!loopTable.open.has(trace.n))
        return [loopRow(trace, true, columns)];
    return [loopRow(trace, true, columns), loopRow(trace, false, columns),
            ...bridgesOf.get(trace.n).map(
                (bridge) => loopRow(bridge, false, columns))];
}

function fillLoops()
{
    const columns = loopColumns.filter((column) => column.when());
    const loops = jit.traces.filter((trace) => trace.root === trace.n);
    const head = element("tr");
    const last = element("th", "Trace");
    last.scope = "col";
    head.append(...columns.map(headCell), last);
    byId("loops-head").replaceChildren(head);
    byId("loops-rows").replaceChildren(...loops.slice(0, loopTable.limit)
        .flatMap((trace) => loopRows(trace, columns)));
    byId("loops-shown").textContent =
        `${formatCount(Math.min(loops.length, loopTable.limit))} of ` +
        `${formatCount(loops.length)}`;
    byId("loops-more").hidden = loops.length <= loopTable.limit;
    byId("loops-more").onclick = () => {
        loopTable.limit += 200;
        fillLoops();
    };
}
