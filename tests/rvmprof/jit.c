/* SPDX-License-Identifier: MIT */

#include "jit.h"

#include "isolate.h"

void
jit_list_enter(struct jit_trace *trace, Signed unique_id, size_t at)
{
    long *const entry = trace->list + trace->length;

    require(trace->length + 4 <= JIT_MOST_LIST);
    require(trace->depth < JIT_MOST_NESTED);
    entry[0] = unique_id;
    entry[1] = (long)at;
    trace->open[trace->depth++] = trace->length;
    trace->length += 4;
}

void
jit_list_leave(struct jit_trace *trace, size_t at)
{
    long *const entry = trace->list + trace->open[--trace->depth];

    entry[2] = (long)at;
    entry[3] = (long)trace->length;
}
