/* SPDX-License-Identifier: MIT */

/* The time in traces from samples. */
#include "trace_times.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vmprof/stack.h>

#include "../read/traces_store.h"

int
trace_times_open(struct trace_times *times, const struct traces *traces)
{
    memset(times, 0, sizeof(*times));
    times->count = traces->trace_count;
    times->each = calloc(times->count, sizeof(*times->each));
    times->folded = calloc(times->count, sizeof(*times->folded));
    return times->each && times->folded ? 0 : -ENOMEM;
}

void
trace_times_free(struct trace_times *times)
{
    free(times->each);
    free(times->folded);
    memset(times, 0, sizeof(*times));
}

/* One that is only known by where it is. */
static int64_t
add_unknown(struct traces *traces, uint64_t address)
{
    char name[48];
    const int size = snprintf(name, sizeof(name), "trace at 0x%llx",
                              (unsigned long long)address);
    const struct trace trace = {
        .kind = TRACE_UNKNOWN,
        .code_start = address,
        .name = traces_name(traces, name, (size_t)size),
        .root = traces->trace_count,
    };

    return trace.name ? traces_add(traces, &trace) : -ENOMEM;
}

static bool
is_compiled(const struct frame *frame)
{
    return frame->kind == VMPROF_KIND_JITTED && frame->has_offset &&
           !frame->is_machine_code && frame->offset;
}

static int64_t
trace_of(struct traces *traces, struct vmp_intern *unknown, uint32_t known,
         uint64_t address)
{
    const uint32_t trace = traces_find_address(traces, 0, address);
    bool is_new;
    int64_t number;

    if (trace)
        return trace;
    number = vmp_intern(unknown, address, 0, &is_new);
    if (number < 0)
        return -ENOMEM;
    return is_new ? add_unknown(traces, address) : known + number;
}

uint32_t *
frame_traces(struct traces *traces, const struct profile *profile)
{
    const uint32_t known = traces->trace_count;
    uint32_t *found = calloc(profile->frame_count + 1, sizeof(*found));
    struct vmp_intern unknown = { 0 };

    for (uint32_t i = 0; found && i < profile->frame_count; i++) {
        int64_t trace;

        if (!is_compiled(&profile->frames[i]))
            continue;
        trace = trace_of(traces, &unknown, known, profile->frames[i].offset);
        if (trace < 0) {
            free(found);
            found = NULL;
            break;
        }
        found[i] = (uint32_t)trace;
    }
    vmp_intern_free(&unknown);
    return found;
}

struct sampling {
    struct trace_times *times;
    const struct traces *traces;
    const struct profile *profile;
    const uint32_t *frame_traces;
    uint32_t *seen, *seen_folded; /* by trace: the last node that it was in */
};

static bool
is_native(const struct frame *frame)
{
    return frame->is_machine_code || frame->kind == VMPROF_KIND_NATIVE ||
           frame_is_gap(frame);
}

/* What the VM ran is the innermost of its frames; native ones work for it. */
static void
take_self(struct sampling *sampling, uint32_t node, const struct cell *cell)
{
    const struct profile *profile = sampling->profile;
    struct trace_times *times = sampling->times;
    bool in_native = false;
    uint32_t trace;

    while (node && is_native(&profile->frames[profile->nodes[node].frame])) {
        in_native = true;
        node = profile->nodes[node].parent;
    }
    trace = node ? sampling->frame_traces[profile->nodes[node].frame] : 0;
    times->sampled_ns += cell->self_ns;
    times->samples += cell->samples;
    if (!trace) {
        times->interpreter_ns += cell->self_ns;
        return;
    }
    if (sampling->traces->traces[trace].kind == TRACE_UNKNOWN)
        times->unmatched_ns += cell->self_ns;
    for (int folded = 0; folded < 2; folded++) {
        struct trace_figures *figures =
            folded ? &times->folded[sampling->traces->traces[trace].root]
                   : &times->each[trace];

        figures->self_ns += cell->self_ns;
        figures->self_samples += cell->samples;
        figures->native_ns += in_native ? cell->self_ns : 0;
    }
}

static void
take_once(uint32_t *seen, uint32_t mark, struct trace_figures *figures,
          const struct cell *cell)
{
    if (*seen == mark)
        return;
    *seen = mark;
    figures->total_ns += cell->self_ns;
    figures->total_samples += cell->samples;
}

/* A trace that is in a stack twice has the time once. */
static void
take_total(struct sampling *sampling, uint32_t leaf, const struct cell *cell)
{
    const struct profile *profile = sampling->profile;

    for (uint32_t node = leaf; node; node = profile->nodes[node].parent) {
        const uint32_t trace =
            sampling->frame_traces[profile->nodes[node].frame];
        const uint32_t root = sampling->traces->traces[trace].root;

        if (!trace)
            continue;
        take_once(&sampling->seen[trace], leaf, &sampling->times->each[trace],
                  cell);
        take_once(&sampling->seen_folded[root], leaf,
                  &sampling->times->folded[root], cell);
    }
}

int
trace_times_take_samples(struct trace_times *times, const struct traces *traces,
                         const struct profile *profile, const struct tree *tree,
                         const uint32_t *of_frames)
{
    struct sampling sampling = {
        .times = times,
        .traces = traces,
        .profile = profile,
        .frame_traces = of_frames,
        .seen = calloc(times->count, sizeof(*sampling.seen)),
        .seen_folded = calloc(times->count, sizeof(*sampling.seen)),
    };
    const bool ready = sampling.seen && sampling.seen_folded;

    times->has_samples = true;
    for (uint32_t i = 1; ready && i < tree->node_count; i++) {
        if (!tree->self[i].samples && !tree->self[i].self_ns)
            continue;
        take_self(&sampling, i, &tree->self[i]);
        take_total(&sampling, i, &tree->self[i]);
    }
    free(sampling.seen);
    free(sampling.seen_folded);
    return ready ? 0 : -ENOMEM;
}
