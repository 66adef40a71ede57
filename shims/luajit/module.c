/* SPDX-License-Identifier: MIT */

/* require "vmprof": what a Lua program calls. */
#include "module.h"
#include "../lua_common/dialect.h"
#include "../lua_common/session.h"
#include "edges.h"
#include "state.h"

#include <errno.h>
#include <stdatomic.h>

#include <lauxlib.h>
#include <luajit.h>
#include <vmprof/jit.h>

static atomic_size_t frame_limit = DEFAULT_FRAMES;

void
vmprof_luajit_set_frame_limit(size_t limit)
{
    atomic_store_explicit(&frame_limit, limit, memory_order_relaxed);
}

size_t
vmprof_luajit_frame_limit(void)
{
    return atomic_load_explicit(&frame_limit, memory_order_relaxed);
}

static struct profiled_state *
attach_or_raise(lua_State *L)
{
    struct profiled_state *state;
    const int error = vmprof_luajit_attach(L, &state);

    if (error == -EBUSY)
        luaL_error(L, "another Lua state or OS thread is attached, or LuaJIT's "
                      "own profiler is in use; there can be one at a time");
    if (error == -ENOTSUP)
        luaL_error(L, "this LuaJIT is built without its profiler");
    if (error)
        luaL_error(L, "this OS thread cannot be profiled: %s",
                   vmprof_strerror(error));
    return state;
}

static void
check_options(lua_State *L, struct start_options *options)
{
    static const char *const names[] = { "edges", "inner", "overflow", NULL };
    /* In the order of enum vmprof_jit_inner. */
    static const char *const inners[] = { "count", "ignore", "each", "auto",
                                          NULL };
    /* In that of enum vmprof_jit_overflow. */
    static const char *const overflows[] = { "drop", "newest", "block", NULL };
    static const char *const edges[] = { "current", "count", "events", NULL };
    static const uint32_t emits[] = {
        VMPROF_EMIT_CURRENT,
        VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT,
        VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT | VMPROF_EMIT_EVENT,
    };
    struct vmprof_options *const library = &options->library;

    vmprof_shim_check_options(L, names, options);
    library->jit_emits = emits[vmprof_shim_check_choice(L, "edges", edges)];
    library->jit_inner = vmprof_shim_check_choice(L, "inner", inners);
    library->jit_overflow = vmprof_shim_check_choice(L, "overflow", overflows);
    library->vm_name = LUAJIT_VERSION;
}

static int
start(lua_State *L)
{
    struct profiled_state *state;
    struct start_options options;

    check_options(L, &options);
    state = attach_or_raise(L);
    vmprof_shim_start_session(L, &options);
    state->opened_session = true;
    vmprof_luajit_traces_update(L, state->traces);
    if (options.library.max_frames)
        vmprof_luajit_set_frame_limit(options.library.max_frames);
    return 0;
}

static int
stop(lua_State *L)
{
    const struct profiled_state *const state = vmprof_luajit_find_state(L);

    vmprof_shim_stop_session(L);
    if (state) {
        if (state->thread && state->thread == vmprof_current_thread())
            vmprof_luajit_ask_no_more();
        vmprof_luajit_traces_update(L, state->traces);
    }
    return 0;
}

void
vmprof_luajit_state_closes(struct profiled_state *state)
{
    if (state->opened_session)
        vmprof_shim_close_session();
    state->opened_session = false;
}

static int
attach(lua_State *L)
{
    attach_or_raise(L);
    return 0;
}

static int
detach(lua_State *L)
{
    struct profiled_state *state = vmprof_luajit_find_state(L);
    const int error = state ? vmprof_luajit_detach(L, state) : -EALREADY;

    if (error == -ESRCH)
        return luaL_error(L, "this Lua state is attached to another OS thread; "
                             "only that one can detach it");
    if (error)
        return luaL_error(L, "this Lua state is not attached");
    return 0;
}

static void
set_number(lua_State *L, const char *name, uint64_t value)
{
    vmprof_shim_push_count(L, value);
    lua_setfield(L, -2, name);
}

/* What is known of the JIT compiler; the table is on top of the stack. */
static void
add_trace_stats(lua_State *L)
{
    const struct profiled_state *const state = vmprof_luajit_find_state(L);
    struct edges_stats edges;

    if (!state || !state->traces)
        return;
    vmprof_luajit_edges_get_stats(state->traces->edges, &edges);
    set_number(L, "traces", state->traces->registered);
    set_number(L, "traces_aborted", state->traces->aborted);
    set_number(L, "traces_unknown", state->traces->unknown);
    set_number(L, "traces_told", edges.told);
    set_number(L, "traces_left_alone", edges.left_alone);
    if (edges.reason) {
        lua_pushstring(L, edges.reason);
        lua_setfield(L, -2, "traces_left_alone_because");
    }
}

static int
stats(lua_State *L)
{
    struct vmprof_stats now;

    vmprof_shim_push_stats(L, &now);
    set_number(L, "jit_events", now.jit_events);
    set_number(L, "jit_events_lost", now.jit_events_lost);
    add_trace_stats(L);
    return 1;
}

static const luaL_Reg functions[] = {
    { "start", start },   { "stop", stop },     { "stats", stats },
    { "attach", attach }, { "detach", detach }, { NULL, NULL },
};

int
luaopen_vmprof(lua_State *L)
{
    lua_newtable(L);
    luaL_register(L, NULL, functions);
    lua_pushstring(L, VMPROF_VERSION);
    lua_setfield(L, -2, "_VERSION");
    return 1;
}
