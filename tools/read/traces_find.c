/* SPDX-License-Identifier: MIT */

/* Finding what an address or an offset of machine code is of. */
#include "traces.h"

enum {
    /* Ranges that lie over each other are few, but in files made to be slow. */
    MOST_STEPS = 64,
};

static bool
range_has(const struct trace_range *range, uint32_t session, uint64_t address)
{
    return range->session == session && address >= range->start &&
           address - range->start < range->size;
}

/* The number of ranges that begin at or before an address. */
static uint32_t
count_before(const struct traces *traces, uint64_t address)
{
    uint32_t first = 0, count = traces->range_count;

    while (count) {
        const uint32_t half = count / 2;

        if (traces->ranges[first + half].start <= address) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

uint32_t
traces_find_address(const struct traces *traces, uint32_t session,
                    uint64_t address)
{
    uint32_t i = count_before(traces, address);
    uint32_t latest = 0;

    for (int steps = 0; i-- > 0 && steps < MOST_STEPS &&
                        traces->ranges[i].furthest_end > address;
         steps++) {
        const struct trace_range *range = &traces->ranges[i];

        if (range_has(range, session, address) && range->trace > latest)
            latest = range->trace;
    }
    return latest;
}

/* Those without machine code do not count; offsets only grow. */
uint32_t
traces_operation_at(const struct traces *traces, uint32_t trace,
                    uint64_t offset)
{
    const struct trace *at = &traces->traces[trace];
    uint32_t found = 0;

    for (uint32_t i = 0; i < at->operation_count; i++) {
        const struct trace_operation *operation =
            &traces->operations[at->first_operation + i];

        if (!operation->has_offset)
            continue;
        if (operation->offset > offset)
            break;
        if (operation->size && offset - operation->offset < operation->size)
            found = at->first_operation + i;
    }
    return found;
}

static uint32_t
position_at(const struct traces *traces, const struct trace *trace,
            uint64_t offset)
{
    uint32_t place = 0;

    for (uint32_t i = 0; i < trace->position_count; i++) {
        const struct trace_position *position =
            &traces->positions[trace->first_position + i];

        if (position->offset > offset)
            break;
        place = position->place;
    }
    return place;
}

uint32_t
traces_place_at(const struct traces *traces, uint32_t trace, uint64_t offset)
{
    const struct trace *at = &traces->traces[trace];
    uint32_t operation;

    if (at->position_count)
        return position_at(traces, at, offset);
    operation = traces_operation_at(traces, trace, offset);
    return operation ? traces->operations[operation].place : 0;
}

bool
trace_iterations(const struct traces *traces, uint32_t trace,
                 uint64_t *iterations)
{
    const struct trace *at = &traces->traces[trace];
    const struct trace_label *label = &traces->labels[at->target];

    if (at->end != TRACE_END_LOOPS || !label->has_count)
        return false;
    *iterations = label->count;
    return true;
}
