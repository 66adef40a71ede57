/* SPDX-License-Identifier: MIT */

/* Where LuaJIT's machine code is not known to us, it is left alone. */
#include "edges.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct edges {
    struct edges_stats stats;
};

struct edges *
vmprof_luajit_edges_new(lua_State *L, struct traces *traces)
{
    struct edges *const edges = calloc(1, sizeof(*edges));

    (void)L;
    (void)traces;
    if (edges)
        edges->stats.reason = "only on x86-64";
    return edges;
}

void
vmprof_luajit_edges_make(lua_State *L, struct traces *traces,
                         struct jit_trace *trace)
{
    (void)L;
    (void)trace;
    traces->edges->stats.left_alone++;
}

bool
vmprof_luajit_edges_find_exits(lua_State *L, struct traces *traces,
                               const struct jit_trace *trace, uint32_t *offsets)
{
    (void)L;
    (void)traces;
    memset(offsets, 0, trace->exit_count * sizeof(*offsets));
    return false;
}

void
vmprof_luajit_edges_show(struct jit_trace *trace, bool are_told)
{
    (void)trace;
    (void)are_told;
}

void
vmprof_luajit_edges_settle(lua_State *L, struct traces *traces)
{
    (void)L;
    (void)traces;
}

int
vmprof_luajit_edges_vmstate(const struct edges *edges)
{
    (void)edges;
    return INT_MIN;
}

void
vmprof_luajit_edges_flush(struct edges *edges)
{
    (void)edges;
}

void
vmprof_luajit_edges_free(struct edges *edges)
{
    free(edges);
}

void
vmprof_luajit_edges_get_stats(const struct edges *edges,
                              struct edges_stats *stats)
{
    *stats = edges->stats;
}
