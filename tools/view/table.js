/* SPDX-License-Identifier: MIT */

/* The functions with their times: the graph's numbers, for every reader. */

const tableState = { sort: "self", limit: 100 };

function compareLabels(a, b)
{
    const byName = labels[a].name < labels[b].name ? -1
        : labels[a].name > labels[b].name ? 1 : a - b;
    if (tableState.sort === "name")
        return byName;
    const first = tableState.sort === "total" ? sums.labelTotal
                                              : sums.labelSelf;
    const then = tableState.sort === "total" ? sums.labelSelf
                                             : sums.labelTotal;
    return first[b] - first[a] || then[b] - then[a] || byName;
}

function chosenLabels(match)
{
    const chosen = [];
    for (let label = 0; label < labels.length; label++)
        if (sums.labelTotal[label] > 0 && (!match || match[label]))
            chosen.push(label);
    return chosen.sort(compareLabels);
}

function element(name, text, className)
{
    const made = document.createElement(name);
    if (text !== undefined)
        made.textContent = text;
    if (className)
        made.className = className;
    return made;
}

function timeCell(time, whole)
{
    const cell = element("td", "", "number");
    const bar = element("span", "", "bar");
    bar.style.width = (whole > 0 ? 100 * time / whole : 0) + "%";
    cell.append(element("span", formatShare(time, whole)),
                element("small", formatTime(time)), bar);
    return cell;
}

function actionButton(text, title, action)
{
    const button = element("button", text, "action");
    button.type = "button";
    button.title = title;
    button.setAttribute("aria-label", title);
    button.addEventListener("click", action);
    return button;
}

function functionCell(label, picked, actions)
{
    const { name, place, kind } = labels[label];
    const cell = element("th");
    const find = element("button", name.slice(0, 300), "name");
    const swatch = element("i", "", "swatch");
    cell.scope = "row";
    find.type = "button";
    find.title = "Find in the graph";
    find.setAttribute("aria-pressed", String(label === picked));
    find.addEventListener("click", () => actions.find(label));
    swatch.style.backgroundColor = colourOfKind(kind, 0.5, paint.dark);
    swatch.title = (KINDS[kind] || KINDS[0]).text;
    const line = element("span", "", "line");
    line.append(swatch, find,
                actionButton("\u2191", "Callers of " + name.slice(0, 80),
                             () => actions.focus("up", label)),
                actionButton("\u2193", "Callees of " + name.slice(0, 80),
                             () => actions.focus("down", label)));
    const where = element("small", shortPlace(place));
    where.title = place.slice(0, 1000);
    cell.append(line, where);
    return cell;
}

function fillTable(match, picked, actions)
{
    const body = document.getElementById("rows");
    const chosen = chosenLabels(match);
    const whole = sums.total[0];
    body.replaceChildren(...chosen.slice(0, tableState.limit).map((label) => {
        const row = element("tr");
        row.append(timeCell(sums.labelSelf[label], whole),
                   timeCell(sums.labelTotal[label], whole),
                   functionCell(label, picked, actions));
        return row;
    }));
    document.getElementById("more").hidden =
        chosen.length <= tableState.limit;
    document.getElementById("shown").textContent =
        formatCount(Math.min(chosen.length, tableState.limit)) + " of " +
        formatCount(chosen.length);
}

/* Calls `refill` whenever the reader wants other rows or another order. */
function listenToTable(refill)
{
    for (const button of document.querySelectorAll("[data-sort]"))
        button.addEventListener("click", () => {
            tableState.sort = button.dataset.sort;
            for (const head of document.querySelectorAll("thead th"))
                head.removeAttribute("aria-sort");
            button.parentElement.setAttribute(
                "aria-sort",
                tableState.sort === "name" ? "ascending" : "descending");
            refill();
        });
    document.getElementById("more").addEventListener("click", () => {
        tableState.limit += 400;
        refill();
    });
}
