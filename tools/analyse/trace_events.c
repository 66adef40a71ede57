/* SPDX-License-Identifier: MIT */

/* The time in traces from events. */
#include <errno.h>
#include <string.h>

#include "trace_times.h"

enum {
    /* Bridges of bridges beyond are not followed; files may hold circles. */
    MOST_STEPS = 256,
};

static uint32_t
parent_of(const struct traces *traces, uint32_t trace)
{
    const struct trace *at = &traces->traces[trace];

    return at->parent ? at->parent : traces->guards[at->guard].trace;
}

uint32_t
trace_root(const struct traces *traces, uint32_t trace)
{
    if (traces->traces[trace].root)
        return traces->traces[trace].root;
    for (int steps = 0; steps < MOST_STEPS; steps++) {
        const uint32_t parent = parent_of(traces, trace);

        if (!parent)
            break;
        trace = parent;
    }
    return trace;
}

uint32_t
trace_group(const struct traces *traces, uint32_t trace)
{
    const struct trace *at = &traces->traces[trace];
    const uint32_t into =
        at->target ? traces->labels[at->target].trace : at->into;
    const uint32_t root = trace_root(traces, trace);

    return into && trace_root(traces, into) == root ? root : trace;
}

static uint32_t
group_each(void *user, uint32_t trace)
{
    const struct trace_events *events = user;

    return trace_group(events->traces, trace);
}

static uint32_t
group_folded(void *user, uint32_t trace)
{
    const struct trace_events *events = user;

    return trace_root(events->traces, trace);
}

void
trace_events_open(struct trace_events *events, enum inner_policy inner,
                  enum call_policy call, uint64_t probe)
{
    memset(events, 0, sizeof(*events));
    events->each.policies = (struct segment_policies){
        .inner = inner,
        .call = call,
        .probe = probe,
        .group = group_each,
        .user = events,
    };
    events->folded.policies = events->each.policies;
    events->folded.policies.inner = INNER_IGNORE;
    events->folded.policies.group = group_folded;
}

int
trace_events_add(void *user, const struct traces *traces,
                 const struct jit_event *event)
{
    struct trace_events *events = user;

    events->traces = traces;
    if (segments_add(&events->each, event) ||
        segments_add(&events->folded, event))
        return -ENOMEM;
    return 0;
}

static void
take_figures(struct trace_figures *all, const struct segments *segments,
             uint32_t count)
{
    for (uint32_t i = 1; i < count && i < segments->figure_count; i++) {
        const struct segment_figures *from = &segments->figures[i];

        all[i].self = from->self;
        all[i].total = from->total;
        all[i].segments = from->segments;
        all[i].entries = from->entries;
        all[i].exits = from->exits;
        all[i].unreliable = segments_unreliable(segments, i);
    }
}

void
trace_times_take_events(struct trace_times *times,
                        const struct trace_events *events)
{
    const struct segments *each = &events->each;

    if (!each->events)
        return;
    times->has_events = true;
    times->segments = each;
    times->unknown = each->unknown;
    times->off_cpu = each->off_cpu;
    times->interpreter = each->figures[0].self;
    times->event_time = times->interpreter;
    for (uint32_t i = 1; i < each->figure_count; i++)
        times->event_time += each->figures[i].self;
    take_figures(times->each, each, times->count);
    take_figures(times->folded, &events->folded, times->count);
}

void
trace_events_free(struct trace_events *events)
{
    segments_free(&events->each);
    segments_free(&events->folded);
}
