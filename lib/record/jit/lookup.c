/* SPDX-License-Identifier: MIT */

/* What stacks have to know of traces: the writer asks. */

#include "ranges.h"
#include "table.h"

bool
vmp_traces_find(uint64_t address, uint64_t time_ns, vmprof_jit_id *id,
                uint64_t *offset)
{
    struct vmp_range range;
    const struct vmp_trace *trace;
    bool was_there;

    if (!vmp_find_range((uintptr_t)address, &range))
        return false;
    vmp_traces_lock();
    trace = vmp_trace_find(range.trace);
    was_there = trace && trace->is_placed &&
                (uintptr_t)trace->address == range.start &&
                trace->placed_ns <= time_ns;
    vmp_traces_unlock();
    *id = range.trace;
    *offset = address - range.start;
    return was_there;
}

/* The place that an offset has, as its index; -1: none. */
static int64_t
place_at(const struct vmprof_trace *told, uint64_t offset)
{
    uint64_t low = 0, high = told->position_count;

    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;

        if (told->positions[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? (int64_t)told->positions[low - 1].place : -1;
}

/* From a place outwards: parents come before. */
static uint32_t
collect(const struct vmprof_trace *told, int64_t place,
        struct vmprof_trace_place *out, uint32_t most)
{
    uint32_t count = 0;

    for (int64_t i = place; i >= 0 && count < most;
         i = (int64_t)told->places[i].parent - 1)
        out[count++] = told->places[i];
    for (uint32_t i = 0; i < count / 2; i++) {
        const struct vmprof_trace_place swapped = out[i];

        out[i] = out[count - 1 - i];
        out[count - 1 - i] = swapped;
    }
    return count;
}

uint32_t
vmp_traces_inlined(const struct vmp_trace *trace, const uint64_t *offset,
                   struct vmprof_trace_place *out, uint32_t most)
{
    uint32_t count = 0;

    vmp_traces_lock();
    if (trace->told) {
        const struct vmprof_trace *const told = &trace->told->is;

        if (offset)
            count = collect(told, place_at(told, *offset), out, most);
        if (!count)
            out[count++] = (struct vmprof_trace_place){
                .code = told->code,
                .line = told->line,
            };
    }
    vmp_traces_unlock();
    return count;
}

uint64_t
vmp_traces_address(const struct vmp_trace *trace)
{
    uintptr_t address;

    vmp_traces_lock();
    address = (uintptr_t)trace->address;
    vmp_traces_unlock();
    return address;
}

uint32_t
vmp_traces_frame(vmprof_jit_id id, uint64_t *frame_size)
{
    const struct vmp_trace *trace;
    uint32_t frame = VMPROF_TRACE_FRAME_UNKNOWN;

    vmp_traces_lock();
    trace = vmp_trace_find(id);
    if (trace && trace->told) {
        frame = trace->told->is.frame;
        *frame_size = trace->told->is.frame_size;
    }
    vmp_traces_unlock();
    return frame;
}
