/* SPDX-License-Identifier: MIT */

/* The types that the bytecodes of a function met. */

const typesOf = new Map((data.types || []).map(([number, sites]) =>
    [number, sites.map(([line, opcode, kind, bytecodes, tuples, other]) =>
        ({ line, opcode, kind, bytecodes, tuples, other }))]));

function sitesOf(box)
{
    const label = labels[box.label];
    return (label && typesOf.get(label.number)) || [];
}

function tupleName(names)
{
    return names.length === 1 ? names[0] : `(${names.join(", ")})`;
}

/* Its types with their shares, the most frequent first. */
function siteTypes(site)
{
    const shares = site.tuples.map(([names, percent]) =>
        [tupleName(names), percent]);
    if (site.other)
        shares.push(["<other>", site.other]);
    return shares.map(([name, percent]) =>
        `${name} ${percent === 100 ? 100 : percent.toFixed(1)} %`);
}

function addTipTypes(tip, box)
{
    const most = 3;
    const sites = sitesOf(box);
    for (const site of sites.slice(0, most))
        addTipLine(tip, (site.line ? `Line ${site.line} ` : "") +
            site.opcode.slice(0, 40), siteTypes(site)[0].slice(0, 80) +
            (site.kind === "monomorphic" ? "" : " \u2026"));
    if (sites.length > most)
        addTipLine(tip, "Types", `at ${sites.length - most} more places`);
}

function siteRow(site)
{
    const row = element("tr");
    const kind = element("td", site.kind);
    kind.dataset.kind = site.kind;
    row.append(element("td", site.line ? String(site.line) : ""),
               element("th", site.opcode), kind,
               element("td", formatCount(site.bytecodes), "count"),
               element("td", siteTypes(site).join(",  ")));
    row.querySelector("th").scope = "row";
    return row;
}

function showTypes(box)
{
    const sites = box ? sitesOf(box) : [];
    byId("types").hidden = !sites.length;
    if (!sites.length)
        return;
    byId("types-of").textContent = labels[box.label].name.slice(0, 200);
    byId("types-rows").replaceChildren(...sites.map(siteRow));
}
