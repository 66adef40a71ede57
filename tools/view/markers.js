/* SPDX-License-Identifier: MIT */

/* What the VM told of, as marks on the time that the recording took. */

const LANE_HEIGHT = 12;
const markers = data.markers;

/* As high as its share of the time, but never too low to be seen. */
function drawMark([at, count, ns], lane, row)
{
    const width = markers.wholeNs / markers.bins;
    const height = lane.ns ? Math.max(0.25, Math.min(1, ns / width)) : 0.8;
    const made = svg("rect", {
        x: at, width: 1.5, height: height * LANE_HEIGHT * 0.85,
        y: (row + 1) * LANE_HEIGHT - height * LANE_HEIGHT * 0.85,
        class: "mark",
    });
    const what = (count ? formatCount(count) : "") +
        (ns ? ` ${formatTime(ns)}` : "");
    made.append(svg("title", {}, `${lane.name}: ${what.trim()} at ${
        formatTime(at * width)}`));
    return made;
}

function markersStrip()
{
    const height = markers.lanes.length * LANE_HEIGHT;
    const strip = svg("svg", {
        viewBox: `0 0 ${markers.bins} ${height}`, height,
        preserveAspectRatio: "none", role: "img",
        "aria-label": `Events over ${formatTime(markers.wholeNs)}: ` +
            markers.lanes.map(laneText).join(", "),
    });
    markers.lanes.forEach((lane, row) =>
        strip.append(...lane.marks.map((mark) => drawMark(mark, lane, row))));
    return strip;
}

function laneText(lane)
{
    return `${lane.name} ${formatCount(lane.count)}` +
        (lane.ns ? `, ${formatTime(lane.ns)}` : "");
}

function markersCaption()
{
    const parts = [`0 to ${formatTime(markers.wholeNs)}`];
    if (markers.leftOut)
        parts.push(`${formatCount(markers.leftOut)} events left out by choice`);
    if (markers.lost)
        parts.push(`${formatCount(markers.lost)} events lost`);
    return element("figcaption", parts.join(", "));
}

function fillMarkers()
{
    if (!markers || !markers.lanes.length)
        return;
    const names = element("ul");
    names.append(...markers.lanes.map((lane) => element("li", laneText(lane))));
    byId("markers").replaceChildren(names, markersStrip(), markersCaption());
    byId("markers").hidden = false;
}
