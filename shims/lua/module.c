/* SPDX-License-Identifier: MIT */

/* require "vmprof": what a Lua program calls. */
#include "module.h"
#include "../lua_common/session.h"
#include "events.h"

#include <errno.h>
#include <stdatomic.h>

#include <lauxlib.h>

static atomic_size_t frame_limit = DEFAULT_FRAMES;

void
vmprof_lua_set_frame_limit(size_t limit)
{
    atomic_store_explicit(&frame_limit, limit, memory_order_relaxed);
}

size_t
vmprof_lua_frame_limit(void)
{
    return atomic_load_explicit(&frame_limit, memory_order_relaxed);
}

static struct profiled_state *
attach_or_raise(lua_State *L)
{
    struct profiled_state *state;
    const int error = vmprof_lua_attach(L, &state);

    if (error == -EBUSY)
        luaL_error(L, "this Lua state is attached to another OS thread; call "
                      "vmprof.detach() there first");
    if (error)
        luaL_error(L, "this OS thread cannot be profiled: %s",
                   vmprof_strerror(error));
    return state;
}

static int
start(lua_State *L)
{
    struct profiled_state *state;
    struct start_options options;

    vmprof_shim_check_options(L, NULL, &options);
    options.library.vm_name = LUA_VERSION;
    state = attach_or_raise(L);
    vmprof_shim_start_session(L, &options);
    state->opened_session = true;
    if (options.library.max_frames)
        vmprof_lua_set_frame_limit(options.library.max_frames);
    return 0;
}

static int
stop(lua_State *L)
{
    vmprof_shim_stop_session(L);
    return 0;
}

void
vmprof_lua_state_closes(struct profiled_state *state)
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
    struct profiled_state *state = vmprof_lua_find_state(L);

    if (!state || vmprof_lua_detach(state))
        return luaL_error(L, "this Lua state is not attached");
    return 0;
}

static int
stats(lua_State *L)
{
    struct vmprof_stats now;

    vmprof_shim_push_stats(L, &now);
    return 1;
}

static int
register_tool(lua_State *L)
{
    attach_or_raise(L);
    return vmprof_lua_register_tool(L);
}

static const luaL_Reg functions[] = {
    { "start", start },   { "stop", stop },
    { "stats", stats },   { "attach", attach },
    { "detach", detach }, { "register_tool", register_tool },
    { NULL, NULL },
};

int
luaopen_vmprof(lua_State *L)
{
    luaL_newlib(L, functions);
    lua_pushstring(L, VMPROF_VERSION);
    lua_setfield(L, -2, "_VERSION");
    return 1;
}
