/* SPDX-License-Identifier: MIT */

/* The traces that there are. */
#include "traces.h"
#include "edges.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static void
free_trace(struct jit_trace *trace)
{
    free(trace->patches);
    free(trace->stack);
    free(trace);
}

/* The handler sees the old array or the new one, which agree. */
static int
make_room(struct traces *traces, size_t id)
{
    struct jit_trace **const before = traces->by_id;
    struct jit_trace **grown;
    size_t room = traces->id_room ? traces->id_room : 1024;

    while (room <= id)
        room *= 2;
    grown = calloc(room, sizeof(struct jit_trace *));
    if (!grown)
        return -ENOMEM;
    if (before)
        memcpy(grown, before, traces->id_room * sizeof(*grown));
    traces->by_id = grown;
    atomic_signal_fence(memory_order_release);
    traces->id_room = room;
    atomic_signal_fence(memory_order_release);
    free(before);
    return 0;
}

int
vmprof_luajit_traces_add(struct traces *traces, struct jit_trace *trace)
{
    if (trace->ids.id >= traces->id_room && make_room(traces, trace->ids.id))
        return -ENOMEM;
    /* A number comes again when LuaJIT has collected the trace that had it. */
    vmprof_luajit_traces_remove(traces, trace->number);
    traces->by_number[trace->number] = trace;
    traces->by_id[trace->ids.id] = trace;
    return 0;
}

void
vmprof_luajit_traces_remove(struct traces *traces, uint32_t number)
{
    struct jit_trace *const trace = traces->by_number[number];

    if (!trace)
        return;
    traces->by_number[number] = NULL;
    traces->by_id[trace->ids.id] = NULL;
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
    free(traces->by_id);
    free(traces);
}

const struct jit_trace *
vmprof_luajit_running(const struct profiled_state *state)
{
    const struct traces *const traces = state->traces;
    uint64_t id;

    if (!traces || !state->thread)
        return NULL;
    id = __atomic_load_n(&state->thread->trace, __ATOMIC_RELAXED);
    return id < traces->id_room ? traces->by_id[id] : NULL;
}
