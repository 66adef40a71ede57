/* SPDX-License-Identifier: MIT */

/*
 * The canvas. It is as large as what can be seen of the graph and stays in
 * place while the reader scrolls, so that a deep graph costs no more.
 */

const ROW = 20;
const GAP = 1;
const LEAST_WIDTH = 0.6; /* what is narrower is drawn as one with the rest */
const LEAST_TEXT = 28;

const canvas = document.getElementById("canvas");
const scroller = document.getElementById("scroll");
const extent = document.getElementById("extent");
const context = canvas.getContext("2d");

const hues = { cut: [0, 0], code: [32, 90], blackhole: [275, 55],
               jitted: [135, 50], jitting: [55, 80], gc: [340, 80],
               trace: [160, 30], native: [212, 65],
               system: [0, 70], nopoll: [85, 30], machine: [178, 50] };

let palette = new Map();
let paint = null; /* colours of the theme */

/* Functions of a kind differ a little, so that neighbours can be told apart. */
function shadeOf(name)
{
    let hash = 0;
    for (let i = 0; i < name.length && i < 64; i++)
        hash = (hash * 31 + name.charCodeAt(i)) | 0;
    return ((hash >>> 4) % 7) / 6;
}

function colourOfKind(kind, shade, dark)
{
    const [hue, saturation] = hues[(KINDS[kind] || KINDS[0]).key];
    const turn = saturation ? hue + (shade - 0.5) * 16 : 0;
    return dark
        ? `hsl(${turn} ${saturation * 0.45}% ${25 + shade * 8}%)`
        : `hsl(${turn} ${saturation}% ${74 + shade * 10}%)`;
}

function isDark()
{
    const chosen = document.documentElement.dataset.theme;
    return chosen === "dark" || (chosen !== "light" &&
        matchMedia("(prefers-color-scheme: dark)").matches);
}

/* A canvas knows no variables of the style: an element works them out. */
function readTheme()
{
    const style = getComputedStyle(canvas);
    const value = (name) => {
        canvas.style.color = `var(--${name})`;
        return style.color;
    };
    paint = {
        dark: isDark(), font: style.fontFamily,
        text: value("frame-text"), back: value("back"),
        dim: value("dim"), dimText: value("dim-text"),
        found: value("found"), foundText: value("found-text"),
        rest: value("rest"), all: value("all"), focus: value("focus"),
    };
    palette = new Map();
}

function colourOf(box)
{
    if (box.label < 0)
        return paint.all;
    let colour = palette.get(box.label);
    if (!colour) {
        const label = labels[box.label];
        colour = colourOfKind(label.kind, shadeOf(label.name), paint.dark);
        palette.set(box.label, colour);
    }
    return colour;
}

const drawn = { rows: [], deepest: 0 };

/* The place of a row of boxes, from the top of the canvas. */
function rowTop(view, depth)
{
    const row = view.flip ? view.rows - 1 - depth : depth;
    return row * ROW - scroller.scrollTop;
}

/* With the root at the bottom the view keeps its distance from there. */
function resizeExtent(view, height)
{
    const fromEnd = extent.offsetHeight - scroller.scrollTop - view.height;
    extent.style.height = Math.max(view.rows * ROW, height) + "px";
    if (view.flip)
        scroller.scrollTop = extent.offsetHeight - height - fromEnd;
}

function resizeCanvas(view)
{
    const ratio = window.devicePixelRatio || 1;
    const width = scroller.clientWidth;
    const height = scroller.clientHeight;
    resizeExtent(view, height);
    if (canvas.width !== Math.round(width * ratio) ||
        canvas.height !== Math.round(height * ratio)) {
        canvas.width = Math.round(width * ratio);
        canvas.height = Math.round(height * ratio);
        canvas.style.width = width + "px";
        canvas.style.height = height + "px";
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    view.width = width;
    view.height = height;
}

/* As much of a text as fits, by the middle width of its characters. */
function fit(text, width)
{
    if (text.length > 400)
        text = text.slice(0, 400);
    const whole = context.measureText(text).width;
    if (whole <= width)
        return text;
    const count = Math.floor(text.length * width / whole) - 2;
    return count > 0 ? text.slice(0, count) + "\u2026" : "";
}

function paintBox(view, box, x, width, y)
{
    const ancestor = box.depth < view.zoom.depth;
    const match = view.match && box.label >= 0 && view.match[box.label];
    const dimmed = ancestor || (view.match && !match);
    context.fillStyle = match ? paint.found : dimmed ? paint.dim
                                                     : colourOf(box);
    context.fillRect(x, y, Math.max(width - GAP, 0.5), ROW - GAP);
    if (width >= LEAST_TEXT) {
        context.fillStyle = match ? paint.foundText
                                  : dimmed ? paint.dimText : paint.text;
        context.fillText(fit(boxName(box), width - 8), x + 4, y + ROW / 2);
    }
    if (box === view.selected && document.activeElement === canvas) {
        context.strokeStyle = paint.focus;
        context.lineWidth = 2;
        context.strokeRect(x + 1, y + 1, Math.max(width - GAP - 2, 1),
                           ROW - GAP - 2);
    }
}

function isVisible(view, y)
{
    return y > -ROW && y < view.height;
}

function place(view, box, x, width)
{
    const y = rowTop(view, box.depth);
    (drawn.rows[box.depth] ||= []).push({ box, x, width });
    drawn.deepest = Math.max(drawn.deepest, box.depth);
    if (isVisible(view, y))
        paintBox(view, box, x, width, y);
}

/* Children from the widest to the narrowest; the narrow ones become one. */
function placeChildren(view, box, scale, origin, waiting)
{
    const list = childrenOf(box);
    for (let i = 0; i < list.length; i++) {
        const child = list[i];
        const width = child.total * scale;
        const x = (child.start - origin) * scale;
        if (width < LEAST_WIDTH) {
            const end = list[list.length - 1];
            paintRest(view, x, (end.start + end.total - origin) * scale - x,
                      child.depth);
            return;
        }
        waiting.push(child);
    }
}

function paintRest(view, x, width, depth)
{
    const y = rowTop(view, depth);
    drawn.deepest = Math.max(drawn.deepest, depth);
    if (!isVisible(view, y))
        return;
    context.fillStyle = paint.rest;
    context.fillRect(x, y, Math.max(width - GAP, 0.5), ROW - GAP);
}

function paintAll(view)
{
    const zoom = view.zoom;
    const scale = zoom.total > 0 ? view.width / zoom.total : 0;
    const waiting = [zoom];
    context.fillStyle = paint.back;
    context.fillRect(0, 0, view.width, view.height);
    context.font = "12px " + paint.font;
    context.textBaseline = "middle";
    drawn.rows = [];
    drawn.deepest = 0;
    for (const box of ancestorsOf(zoom).slice(0, -1))
        place(view, box, 0, view.width);
    while (waiting.length && scale) {
        const box = waiting.pop();
        place(view, box, (box.start - zoom.start) * scale, box.total * scale);
        placeChildren(view, box, scale, zoom.start, waiting);
    }
}

/* Draws, and again if it turned out to be deeper or less deep than thought. */
function draw(view)
{
    resizeCanvas(view);
    paintAll(view);
    if (view.rows !== drawn.deepest + 1) {
        view.rows = drawn.deepest + 1;
        resizeCanvas(view);
        paintAll(view);
    }
}

/* The drawn box at a place of the canvas, or null. */
function boxAt(view, x, y)
{
    const row = Math.floor((y + scroller.scrollTop) / ROW);
    const depth = view.flip ? view.rows - 1 - row : row;
    const found = (drawn.rows[depth] || []).find(
        (entry) => x >= entry.x && x < entry.x + entry.width);
    return found ? found.box : null;
}

function entryOf(box)
{
    return (drawn.rows[box.depth] || []).find((entry) => entry.box === box);
}

function scrollTo(view, box)
{
    const y = rowTop(view, box.depth);
    if (y < 0)
        scroller.scrollTop += y;
    else if (y + ROW > view.height)
        scroller.scrollTop += y + ROW - view.height;
}
