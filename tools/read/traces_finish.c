/* SPDX-License-Identifier: MIT */

/* What follows from the tables once they are whole: where traces end, whose they
 * are, and which addresses are theirs. */
#include <stdlib.h>

#include "traces_store.h"

/* For a root while it is looked for. */
#define ON_THE_WAY UINT32_MAX

static int
compare_ranges(const void *a, const void *b)
{
    const struct trace_range *left = a, *right = b;

    if (left->start != right->start)
        return left->start < right->start ? -1 : 1;
    return (left->trace > right->trace) - (left->trace < right->trace);
}

static uint64_t
range_end(const struct trace_range *range)
{
    return range->size > UINT64_MAX - range->start ? UINT64_MAX
                                                   : range->start + range->size;
}

static void
finish_ranges(struct traces *traces)
{
    uint64_t furthest = 0;

    if (traces->range_count)
        qsort(traces->ranges, traces->range_count, sizeof(*traces->ranges),
              compare_ranges);
    for (uint32_t i = 0; i < traces->range_count; i++) {
        const uint64_t end = range_end(&traces->ranges[i]);

        furthest = end > furthest ? end : furthest;
        traces->ranges[i].furthest_end = furthest;
    }
}

static void
finish_trace(struct traces *traces, uint32_t index)
{
    struct trace *trace = &traces->traces[index];
    const struct trace_operation *label;

    if (trace->target)
        trace->into = traces->labels[trace->target].trace;
    if (!trace->end && trace->into)
        trace->end = trace->into == index ? TRACE_END_LOOPS : TRACE_END_JUMPS;
    if (!trace->parent)
        trace->parent = traces->guards[trace->guard].trace;
    label = &traces->operations[traces->labels[trace->target].operation];
    if (trace->end == TRACE_END_LOOPS && label->has_offset)
        trace->loop_offset = label->offset;
    trace->guard_count = trace->label_count = 0;
}

static void
finish_guard(struct traces *traces, struct trace_guard *guard)
{
    const struct trace_operation *operation =
        &traces->operations[guard->operation];

    traces->traces[guard->trace].guard_count++;
    if (!guard->operation)
        return;
    if (!guard->place)
        guard->place = operation->place;
    if (!guard->has_offset) {
        guard->offset = operation->offset;
        guard->has_offset = operation->has_offset;
    }
    if (!*guard->text)
        guard->text = operation->text;
}

/* A bridge's bridge belongs to the loop as well. Files may hold circles. */
static void
set_root(struct traces *traces, uint32_t index)
{
    struct trace *all = traces->traces;
    uint32_t at = index, circle = 0, root;

    for (; !all[at].root && all[at].parent; at = all[at].parent)
        all[at].root = ON_THE_WAY;
    if (all[at].root == ON_THE_WAY) {
        circle = all[at].parent;
        all[at].parent = 0;
    }
    root = all[at].root && !circle ? all[at].root : at;
    all[at].root = root;
    for (at = index; all[at].root == ON_THE_WAY; at = all[at].parent)
        all[at].root = root;
    for (at = circle; all[at].root == ON_THE_WAY; at = all[at].parent)
        all[at].root = root;
}

void
traces_finish(struct traces *traces)
{
    for (uint32_t i = 1; i < traces->trace_count; i++)
        finish_trace(traces, i);
    for (uint32_t i = 1; i < traces->trace_count; i++)
        set_root(traces, i);
    for (uint32_t i = 1; i < traces->guard_count; i++)
        finish_guard(traces, &traces->guards[i]);
    for (uint32_t i = 1; i < traces->label_count; i++)
        traces->traces[traces->labels[i].trace].label_count++;
    finish_ranges(traces);
}
