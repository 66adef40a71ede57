/* SPDX-License-Identifier: MIT */

/* Frames of traces, and of what is inlined in them. */
#include <errno.h>
#include <vmprof/stack.h>

#include "native.h"
#include "store.h"

enum {
    /* What is inlined deeper than this is its caller's: a chain of a damaged
     * file may have as many places as it has bytes. */
    MOST_INLINED = 64,
};

/* The place at an offset, 1 + its number; 0: not known. */
static uint32_t
place_at(const struct native_trace *trace, uint64_t offset)
{
    const struct trace_position *positions = trace->positions.members;
    uint32_t first = 0, count = trace->positions.count;

    while (count) {
        const uint32_t half = count / 2;

        if (positions[first + half].offset <= offset) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    if (!first || positions[first - 1].place >= trace->places.count)
        return 0;
    return positions[first - 1].place + 1;
}

/* The places from one to the outermost, at most so many of the outer ones. */
static uint32_t
chain_of(const struct native_trace *trace, uint32_t place, uint32_t *chain)
{
    const struct native_place *places = trace->places.members;
    uint32_t depth = 0, count = 0;

    for (uint32_t at = place; at; at = places[at - 1].parent)
        depth++;
    for (uint32_t at = place; at; at = places[at - 1].parent)
        if (depth-- <= MOST_INLINED)
            chain[count++] = at - 1;
    return count;
}

/* Traces are named when all is read. */
static int64_t
code_of_trace(struct native *native, uint32_t trace)
{
    uint32_t *code = &native->jit.traces[trace].code;
    int64_t index = *code;

    if (!*code)
        index = store_unnamed_code(native->profile, 0);
    if (index > 0)
        *code = (uint32_t)index;
    return index;
}

int64_t
native_trace_frame(struct native *native, uint32_t session, uint64_t id,
                   uint64_t offset, bool has_offset)
{
    const int64_t trace = native_find_trace(native, session, id);
    const int64_t code =
        trace <= 0 ? 0 : code_of_trace(native, (uint32_t)trace);
    struct frame frame = {
        .code = (uint32_t)code,
        .kind = FRAME_TRACE,
        .offset = offset,
        .has_offset = has_offset,
        .trace = (uint32_t)trace,
    };
    const struct native_trace *of;
    uint32_t chain[MOST_INLINED], count;

    if (trace < 0 || code < 0)
        return -ENOMEM;
    if (trace) {
        of = &native->jit.traces[trace];
        count = chain_of(of, has_offset ? place_at(of, offset) : 0, chain);
        frame.line = of->start.line;
        if (count)
            frame.line = ((const struct native_place *)
                              of->places.members)[chain[count - 1]]
                             .line;
    }
    return store_frame(native->profile, &frame);
}

static int64_t
put_place(struct profile *profile, uint32_t parent, uint32_t trace,
          const struct native_place *place)
{
    const struct frame frame = {
        .code = place->code,
        .kind = VMPROF_KIND_JITTED,
        .line = place->line,
        .trace = trace,
    };
    const int64_t index = store_frame(profile, &frame);

    return index < 0 ? index : store_node(profile, parent, (uint32_t)index);
}

/* Who ran when the trace was entered is there already. */
int64_t
native_trace_node(struct native *native, uint32_t parent, uint32_t frame)
{
    struct profile *profile = native->profile;
    const struct frame at = profile->frames[frame];
    const struct native_trace *trace = &native->jit.traces[at.trace];
    const struct native_place *places = trace->places.members;
    const uint32_t beneath =
        parent ? profile->frames[profile->nodes[parent].frame].code
               : CODE_UNKNOWN;
    uint32_t chain[MOST_INLINED];
    uint32_t count =
        chain_of(trace, at.has_offset ? place_at(trace, at.offset) : 0, chain);
    int64_t node = store_node(profile, parent, frame);

    if (count && places[chain[count - 1]].code == beneath &&
        beneath != CODE_UNKNOWN)
        count--;
    while (count-- && node >= 0)
        node =
            put_place(profile, (uint32_t)node, at.trace, &places[chain[count]]);
    return node;
}
