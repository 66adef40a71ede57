/* SPDX-License-Identifier: MIT */

/* The traces that there are. */
#include "traces.h"
#include "edges.h"

#include <stdatomic.h>
#include <stdlib.h>

static void
free_trace(struct jit_trace *trace)
{
    free(trace->patches);
    free(trace->stack);
    free(trace);
}

void
vmprof_luajit_traces_add(struct traces *traces, struct jit_trace *trace)
{
    traces->by_number[trace->number] = trace;
}

void
vmprof_luajit_traces_remove(struct traces *traces, uint32_t number)
{
    struct jit_trace *const trace = traces->by_number[number];

    if (!trace)
        return;
    traces->by_number[number] = NULL;
    atomic_signal_fence(memory_order_release);
    vmprof_unregister_trace(trace->ids.id);
    free_trace(trace);
}

void
vmprof_luajit_traces_clear(struct traces *traces)
{
    for (uint32_t i = 0; i < MAX_TRACES; i++)
        vmprof_luajit_traces_remove(traces, i);
}

void
vmprof_luajit_traces_free(struct traces *traces)
{
    if (!traces)
        return;
    vmprof_luajit_traces_clear(traces);
    vmprof_luajit_recording_free(&traces->recording);
    vmprof_luajit_edges_free(traces->edges);
    free(traces);
}

const struct jit_trace *
vmprof_luajit_running(const struct profiled_state *state)
{
    const struct traces *const traces = state->traces;
    int number;

    if (!traces)
        return NULL;
    number = vmprof_luajit_edges_vmstate(traces->edges);
    return number > 0 && number < MAX_TRACES ? traces->by_number[number] : NULL;
}
