/* SPDX-License-Identifier: MIT */

/*
 * What is drawn: boxes, made when they first become visible. A box stands for
 * one or more nodes of the profile with the same way to the root, or, where
 * callers are shown, with the same way to the leaf.
 */

function makeBox(label, parent, start)
{
    return { label, parent, start, depth: parent ? parent.depth + 1 : 0,
             total: 0, samples: 0, self: 0,
             nodes: [], weights: null, counts: null, children: null };
}

/* Every node weighs what is below it, so a box of the same nodes does. */
function addDown(box, node)
{
    box.nodes.push(node);
    box.total += sums.total[node];
    box.samples += sums.totalSamples[node];
    box.self += sums.self[node];
}

/* A caller weighs what it was given by the calls that it made. */
function addUp(box, node, weight, count)
{
    box.nodes.push(node);
    box.weights.push(weight);
    box.counts.push(count);
    box.total += weight;
    box.samples += count;
}

function childFor(byLabel, box, label)
{
    let child = byLabel.get(label);
    if (!child) {
        child = makeBox(label, box, 0);
        if (box.weights) {
            child.weights = [];
            child.counts = [];
        }
        byLabel.set(label, child);
    }
    return child;
}

function growDown(box, byLabel)
{
    for (const node of box.nodes)
        for (let i = firstChild[node]; i < firstChild[node + 1]; i++) {
            const child = children[i];
            if (sums.total[child] > 0)
                addDown(childFor(byLabel, box, labelOf[child]), child);
        }
}

function growUp(box, byLabel)
{
    box.nodes.forEach((node, i) => {
        const caller = parentOf[node];
        if (caller)
            addUp(childFor(byLabel, box, labelOf[caller]), caller,
                  box.weights[i], box.counts[i]);
    });
}

/* Of all leaves, the root's children are the leaves themselves. */
function growLeaves(box, byLabel)
{
    for (let node = 1; node < nodeCount; node++)
        if (sums.self[node] > 0)
            addUp(childFor(byLabel, box, labelOf[node]), node,
                  sums.self[node], sums.samples[node]);
}

function childrenOf(box)
{
    if (box.children)
        return box.children;
    const byLabel = new Map();
    if (!box.weights)
        growDown(box, byLabel);
    else if (box.label < 0)
        growLeaves(box, byLabel);
    else
        growUp(box, byLabel);
    box.children = [...byLabel.values()].sort((a, b) =>
        b.total - a.total || (labels[a.label].name < labels[b.label].name
                              ? -1 : 1));
    let start = box.start;
    for (const child of box.children) {
        child.start = start;
        start += child.total;
    }
    return box.children;
}

/* The root of a view: all stacks, or those through one function. */
function makeRoot(order, label)
{
    const root = makeBox(label, null, 0);
    if (order === "up") {
        root.weights = [];
        root.counts = [];
    }
    if (label < 0 && order === "up") {
        root.total = sums.total[0];
        root.samples = sums.totalSamples[0];
    } else if (label < 0) {
        addDown(root, 0);
    } else {
        addOutermost(root, order, label);
    }
    return root;
}

function addOutermost(root, order, label)
{
    for (let node = 1; node < nodeCount; node++) {
        if (labelOf[node] !== label || !outermost[node])
            continue;
        if (order === "up")
            addUp(root, node, sums.total[node], sums.totalSamples[node]);
        else
            addDown(root, node);
    }
    root.self = sums.labelSelf[label];
}

function boxName(box)
{
    return box.label < 0 ? "all" : labels[box.label].name;
}

function selfOf(box)
{
    if (!box.weights || box.depth === 0)
        return box.self;
    /* Leaves first: the leaf's time is its own, a caller has none of it. */
    return box.depth === 1 && box.parent.label < 0 ? box.total : 0;
}

function ancestorsOf(box)
{
    const path = [];
    for (let at = box; at; at = at.parent)
        path.push(at);
    return path.reverse();
}
