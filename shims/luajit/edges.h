/* SPDX-License-Identifier: MIT */

/*
 * Machine code of LuaJIT that tells where it goes, on machines for which that
 * is written; elsewhere it is left alone.
 *
 * LuaJIT reads its machine code when it links a side trace to its parent, so
 * the parent has to be as it was from the start of the recording to its end.
 */
#ifndef LUAJIT_SHIM_EDGES_H
#define LUAJIT_SHIM_EDGES_H

#include "traces.h"

struct edges_stats {
    uint64_t told;       /* traces whose edges tell where they go */
    uint64_t left_alone; /* traces whose machine code is not as expected */
    const char *reason;  /* why none can; NULL: they can */
};

/* Returns NULL for want of memory. */
struct edges *
vmprof_luajit_edges_new(lua_State *L, struct traces *traces);

/* Of a trace that was just made, or of one whose thread or emits are others
   now. */
void
vmprof_luajit_edges_make(lua_State *L, struct traces *traces,
                         struct jit_trace *trace);

/* Where in its machine code the branches of its exits are, the first of each; 0:
   not found. `offsets` has exit_count items. False if none could be. */
bool
vmprof_luajit_edges_find_exits(lua_State *L, struct traces *traces,
                               const struct jit_trace *trace,
                               uint32_t *offsets);

/* Put the machine code of a trace back, or ours in its place again. */
void
vmprof_luajit_edges_show(struct jit_trace *trace, bool are_told);

/* At an event: if a trace was asked for something, and has told it, leave it
   alone again. */
void
vmprof_luajit_edges_settle(lua_State *L, struct traces *traces);

/* What LuaJIT does: the number of the trace that runs, or a negative number;
   INT_MIN: not known. Async-signal-safe. */
int
vmprof_luajit_edges_vmstate(const struct edges *edges);

/* LuaJIT has freed all machine code. */
void
vmprof_luajit_edges_flush(struct edges *edges);

void
vmprof_luajit_edges_free(struct edges *edges);

void
vmprof_luajit_edges_get_stats(const struct edges *edges,
                              struct edges_stats *stats);

#endif
