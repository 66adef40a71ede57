/* SPDX-License-Identifier: MIT */

/* When which trace has what of its machine code written over. */
#include "edges_x86_64.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <lauxlib.h>
#include <vmprof/emit.h>

static bool
protect(uint8_t *from, uint8_t *end, int protection)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t first = (uintptr_t)from & ~(page - 1);
    const uintptr_t last = ((uintptr_t)end + page - 1) & ~(page - 1);

    return mprotect((void *)first, last - first, protection) == 0;
}

/* As LuaJIT does it: its code is not executable while it is written to. */
static bool
write_patches(struct patch *patches, size_t count, uint8_t *from, uint8_t *end,
              bool are_told)
{
    if (!count || !protect(from, end, PROT_READ | PROT_WRITE))
        return !count;
    for (size_t i = 0; i < count; i++)
        memcpy(patches[i].at, are_told ? patches[i].after : patches[i].before,
               patches[i].size);
    __builtin___clear_cache((char *)from, (char *)end);
    return protect(from, end, PROT_READ | PROT_EXEC);
}

static void
forget_patches(struct jit_trace *trace)
{
    free(trace->patches);
    trace->patches = NULL;
    trace->patch_count = 0;
    trace->head = NULL;
}

static bool
make(lua_State *L, struct traces *traces, struct jit_trace *trace)
{
    const uint32_t emits = traces->emits & ~(uint32_t)VMPROF_EMIT_CURRENT;
    struct edges *const edges = traces->edges;

    trace->head = vmprof_luajit_find_head(edges, trace);
    if (!trace->head ||
        (!trace->parent && !vmprof_luajit_begins_as_root(trace)))
        return false;
    edges->store_displacement = vmprof_luajit_read_32(trace->head + 3);
    if (emits)
        return vmprof_luajit_find_stubs(L, traces, trace->exit_count) &&
               vmprof_luajit_write_thunks(traces, trace, emits);
    return edges->dispatch || vmprof_luajit_write_question(edges, trace);
}

void
vmprof_luajit_edges_make(lua_State *L, struct traces *traces,
                         struct jit_trace *trace)
{
    struct edges *const edges = traces->edges;

    vmprof_luajit_edges_show(trace, false);
    forget_patches(trace);
    if (edges->stats.reason)
        return;
    if (make(L, traces, trace)) {
        vmprof_luajit_edges_show(trace, true);
    } else {
        edges->stats.left_alone++;
        forget_patches(trace);
    }
}

void
vmprof_luajit_edges_show(struct jit_trace *trace, bool are_told)
{
    if (trace->is_patched == are_told || !trace->patch_count)
        return;
    if (write_patches(trace->patches, trace->patch_count, trace->code,
                      trace->code + trace->size, are_told))
        trace->is_patched = are_told;
}

/* We run as a C function that LuaJIT calls, and that is what it says then. */
void
vmprof_luajit_edges_settle(lua_State *L, struct traces *traces)
{
    enum {
        IN_C = ~1,
    };
    struct edges *const edges = traces->edges;

    if (!edges->is_learning || !edges->dispatch)
        return;
    edges->is_learning = false;
    if (vmprof_luajit_edges_vmstate(edges) != IN_C)
        edges->stats.reason = "this LuaJIT does not say which trace runs";
    vmprof_luajit_traces_make_edges(L, traces);
}

int
vmprof_luajit_edges_vmstate(const struct edges *edges)
{
    const uint64_t at =
        edges->dispatch + (uint64_t)(int64_t)edges->store_displacement;

    if (!edges->dispatch || edges->stats.reason)
        return INT_MIN;
    return *(const volatile int32_t *)(uintptr_t)at;
}

void
vmprof_luajit_edges_flush(struct edges *edges)
{
    memset(edges->stubs, 0, sizeof(edges->stubs));
    vmprof_luajit_arena_clear(edges->arena);
}

/* 1: never writable and executable at once, which write_patches() relies on. */
static bool
has_protected_code(lua_State *L)
{
    const int top = lua_gettop(L);
    bool is_protected = false;

    lua_getglobal(L, "require");
    lua_pushliteral(L, "jit");
    if (lua_pcall(L, 1, 1, 0) == 0 && lua_istable(L, -1)) {
        lua_getfield(L, -1, "security");
        lua_pushliteral(L, "mcode");
        is_protected = lua_pcall(L, 1, 1, 0) == 0 && lua_tointeger(L, -1) == 1;
    }
    lua_settop(L, top);
    return is_protected;
}

struct edges *
vmprof_luajit_edges_new(lua_State *L, struct traces *traces)
{
    struct edges *const edges = calloc(1, sizeof(*edges));

    (void)traces;
    if (!edges)
        return NULL;
    edges->arena = vmprof_luajit_arena_new();
    if (!edges->arena) {
        free(edges);
        return NULL;
    }
    if (!has_protected_code(L))
        edges->stats.reason = "this LuaJIT does not protect its machine code";
    return edges;
}

void
vmprof_luajit_edges_free(struct edges *edges)
{
    if (!edges)
        return;
    vmprof_luajit_arena_free(edges->arena);
    free(edges);
}

void
vmprof_luajit_edges_get_stats(const struct edges *edges,
                              struct edges_stats *stats)
{
    *stats = edges->stats;
}
