/* SPDX-License-Identifier: MIT */

/* What surrounds the graph: the tooltip, panels that open, colours. */

function addTipLine(tip, name, value)
{
    const line = element("div");
    line.append(element("span", name), element("b", value));
    tip.append(line);
}

function fillTip(tip, box)
{
    const label = labels[box.label];
    tip.replaceChildren(element("strong", label
        ? label.name.slice(0, 1000) : rootName()));
    if (label) {
        tip.append(element("p", label.place.slice(0, 500)));
        addTipLine(tip, "Kind", (KINDS[label.kind] || KINDS[0]).text);
    }
    addTipLine(tip, "Self", `${formatTime(selfOf(box))}  ` +
        formatShare(selfOf(box), sums.total[0]));
    addTipLine(tip, "Total", `${formatTime(box.total)}  ` +
        formatShare(box.total, sums.total[0]));
    if (view.zoom.parent || view.label >= 0)
        addTipLine(tip, "Of the view", formatShare(
            Math.min(box.total, view.zoom.total), view.zoom.total));
    addTipLine(tip, "Samples", formatCount(box.samples));
    addTipTypes(tip, box);
}

function showTip(event)
{
    const tip = byId("tip");
    const box = boxAt(view, event.offsetX, event.offsetY);
    tip.hidden = !box;
    canvas.style.cursor = box ? "pointer" : "default";
    if (!box)
        return;
    fillTip(tip, box);
    const space = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 12,
                          innerWidth - space.width - 8);
    const below = event.clientY + 16;
    const top = below + space.height > innerHeight
        ? event.clientY - space.height - 8 : below;
    tip.style.left = Math.max(left, 4) + "px";
    tip.style.top = Math.max(top, 4) + "px";
}

function hideTip()
{
    byId("tip").hidden = true;
}

function toggle(button, target)
{
    const hidden = !byId(target).hidden;
    byId(target).hidden = hidden;
    button.setAttribute("aria-expanded", String(!hidden));
    redraw();
}

function listenToToggles()
{
    const themes = ["system", "light", "dark"];
    byId("table-toggle").addEventListener(
        "click", (event) => toggle(event.target, "functions"));
    byId("help-toggle").addEventListener(
        "click", (event) => toggle(event.target, "help"));
    byId("theme").addEventListener("click", () => {
        const now = document.documentElement.dataset.theme || "system";
        const next = themes[(themes.indexOf(now) + 1) % themes.length];
        if (next === "system")
            delete document.documentElement.dataset.theme;
        else
            document.documentElement.dataset.theme = next;
        byId("theme").textContent = "Theme: " + next;
        recolour();
    });
    matchMedia("(prefers-color-scheme: dark)")
        .addEventListener("change", recolour);
}

function fillLegend()
{
    const used = new Set();
    for (let label = 0; label < labels.length; label++)
        if (hasTime[label])
            used.add(labels[label].kind);
    byId("legend").replaceChildren(...[...used].sort((a, b) => a - b)
        .map((kind) => {
            const item = element("li");
            const swatch = element("i", "", "swatch");
            swatch.style.backgroundColor =
                colourOfKind(kind, 0.5, paint.dark);
            item.append(swatch, (KINDS[kind] || KINDS[0]).text);
            return item;
        }));
}

let hasTime = null; /* by label, whatever is chosen later */

function recolour()
{
    readTheme();
    fillLegend();
    refillTable();
    redraw();
}
