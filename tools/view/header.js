/* SPDX-License-Identifier: MIT */

/* What is said about the profile as a whole, and what is wrong with it. */

function addFact(name, value, note)
{
    const group = element("div");
    const text = element("dd", value);
    if (note)
        text.append(element("small", " " + note));
    group.append(element("dt", name), text);
    document.getElementById("facts").append(group);
}

function addWarning(text)
{
    document.getElementById("warnings").append(element("li", text));
}

/* Samples per second of a thread's time, which is what was asked for. */
function achievedRate(ns, samples)
{
    return ns > 0 ? samples / (ns / 1e9) : 0;
}

function formatRate(rate)
{
    return (rate >= 100 ? formatCount(Math.round(rate)) : rate.toFixed(1)) +
        " Hz";
}

function lossCauses()
{
    return [[data.lostRingFull, "buffer full"],
            [data.lostBusy, "handler busy"],
            [data.lostSwitching, "stack being switched"],
            [data.unwritten, "not written"]];
}

function mergeCauses()
{
    return [[data.mergedByWalker, "into the next one of a walker"],
            [data.mergedLate, "into one that was late"]];
}

function formatCauses(causes)
{
    return causes.filter(([count]) => count > 0)
        .map(([count, cause]) => formatCount(count) + " " + cause).join(", ");
}

function showFacts(ns, samples)
{
    const missing = unsampledTime();
    const machine = [data.os, data.machine].filter(Boolean).join(" ");
    const wanted = data.intervalNs ? 1e9 / data.intervalNs : 0;
    if (data.program)
        addFact("Program", data.program,
                data.sessions > 1 ? `${data.sessions} processes`
                                  : data.pid ? `pid ${data.pid}` : "");
    if (data.vm || machine)
        addFact("VM", data.vm || "unknown", machine);
    if (data.unixMs)
        addFact("Recorded", new Date(data.unixMs).toISOString()
            .replace("T", " ").slice(0, 19) + " UTC");
    addFact("Duration", formatTime(data.durationNs));
    addFact(data.mode === "wall" ? "Wall time of threads" : "CPU time",
            formatTime(ns), missing ? formatTime(missing) + " unsampled" : "");
    addFact("Samples", formatCount(samples));
    addFact("Rate", formatRate(achievedRate(ns - missing, samples)),
            wanted ? `of ${formatRate(wanted)} asked for` +
                (data.clock ? `, ${data.clock}` : "") : data.clock);
    addFact("Lost", data.hasStats ? formatCount(data.lost) : "unknown",
            formatCauses(lossCauses()));
    if (data.mergedByWalker + data.mergedLate)
        addFact("Merged", formatCount(data.mergedByWalker + data.mergedLate),
                formatCauses(mergeCauses()));
    addFact("Stacks cut", data.hasStats ? formatCount(data.stacksCut)
                                        : "unknown",
            data.framesCut ? formatCount(data.framesCut) + " frames" : "");
}

function showWarnings(ns, samples)
{
    const lost = data.lost;
    if (!samples)
        addWarning("The profile holds no samples.");
    if (lost > 0.01 * (lost + samples))
        addWarning(formatShare(lost, lost + samples) +
                   " of the samples were lost: shares may be off.");
    if (data.stacksCut > 0.01 * samples)
        addWarning(formatShare(data.stacksCut, samples) +
                   " of the stacks are cut at their outer end.");
    if (data.bytesUnread || data.chunksMissing || data.samplesUnknown)
        addWarning(`The file is damaged: ${formatCount(data.bytesUnread)} ` +
                   `bytes unread, ${formatCount(data.chunksMissing)} chunks ` +
                   `missing, ${formatCount(data.samplesUnknown)} samples ` +
                   "without their stack.");
    else if (!data.ended && samples)
        addWarning("The recording did not end in order; what was written " +
                   "until then is shown.");
}
