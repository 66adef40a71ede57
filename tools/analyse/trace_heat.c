/* SPDX-License-Identifier: MIT */

#include "trace_heat.h"

#include <errno.h>
#include <stdlib.h>
#include <vmprof/stack.h>

static int
compare(const void *a, const void *b)
{
    const struct heat *left = a, *right = b;

    if (left->trace != right->trace)
        return left->trace < right->trace ? -1 : 1;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

/* The frame of the trace that a stack ends in, beneath what is inlined there
 * and native functions that work for it; or NULL. */
static const struct frame *
innermost_trace(const struct profile *profile, uint32_t node)
{
    for (; node; node = profile->nodes[node].parent) {
        const struct frame *frame =
            &profile->frames[profile->nodes[node].frame];

        if (frame->kind == FRAME_TRACE)
            return frame;
        if (frame->kind == VMPROF_KIND_CODE ||
            frame->kind == VMPROF_KIND_BLACKHOLE)
            return NULL;
    }
    return NULL;
}

static void
merge(struct trace_heat *heat)
{
    uint32_t count = 0;

    if (heat->count)
        qsort(heat->rows, heat->count, sizeof(*heat->rows), compare);
    for (uint32_t i = 0; i < heat->count; i++) {
        if (count && compare(&heat->rows[count - 1], &heat->rows[i]) == 0) {
            heat->rows[count - 1].ns += heat->rows[i].ns;
            heat->rows[count - 1].samples += heat->rows[i].samples;
        } else {
            heat->rows[count++] = heat->rows[i];
        }
    }
    heat->count = count;
}

int
trace_heat_make(struct trace_heat *heat, const struct profile *profile,
                const struct tree *tree)
{
    *heat = (struct trace_heat){ 0 };
    heat->rows = calloc((size_t)tree->node_count + 1, sizeof(*heat->rows));
    if (!heat->rows)
        return -ENOMEM;
    for (uint32_t i = 1; i < tree->node_count; i++) {
        const struct cell *self = &tree->self[i];
        const struct frame *frame =
            self->samples ? innermost_trace(profile, i) : NULL;

        if (frame && frame->has_offset)
            heat->rows[heat->count++] =
                (struct heat){ frame->trace, frame->offset, self->self_ns,
                               self->samples };
    }
    merge(heat);
    return 0;
}

struct cell
trace_heat_between(const struct trace_heat *heat, uint32_t trace, uint64_t from,
                   uint64_t to)
{
    const struct heat wanted = { .trace = trace, .offset = from };
    uint32_t first = 0, count = heat->count;
    struct cell sum = { 0, 0 };

    while (count) {
        const uint32_t half = count / 2;

        if (compare(&heat->rows[first + half], &wanted) < 0) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    for (; first < heat->count && heat->rows[first].trace == trace &&
           heat->rows[first].offset < to;
         first++) {
        sum.self_ns += heat->rows[first].ns;
        sum.samples += heat->rows[first].samples;
    }
    return sum;
}

void
trace_heat_free(struct trace_heat *heat)
{
    free(heat->rows);
    *heat = (struct trace_heat){ 0 };
}
