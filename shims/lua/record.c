/* SPDX-License-Identifier: MIT */

/*
 * What `vmprof record` has lua(1) call by LUA_INIT_5_4, before the program
 * begins: attach the state, and enable profiling as the environment says.
 */
#include "module.h"
#include "state.h"

#include <stdio.h>

#include <lauxlib.h>
#include <vmprof/autostart.h>

/* The last of package.searchers, so that no module of the program's is hidden
   by ours. */
static int
search_module(lua_State *L)
{
    if (strcmp(luaL_checkstring(L, 1), "vmprof") != 0)
        return 0;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushliteral(L, "(vmprof record)");
    return 2;
}

static void
add_searcher(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "package") == LUA_TTABLE &&
        lua_getfield(L, -1, "searchers") == LUA_TTABLE) {
        lua_pushcfunction(L, luaopen_vmprof);
        lua_pushcclosure(L, search_module, 1);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    lua_settop(L, 0);
}

/* The program runs in any case. */
static void
report(const char *what, int error)
{
    fprintf(stderr, "vmprof: %s: %s\n", what, vmprof_strerror(error));
}

int
luaopen_vmprof_record(lua_State *L)
{
    struct profiled_state *state;
    int error = vmprof_lua_attach(L, &state);

    if (error) {
        report("this Lua program cannot be profiled", error);
        return 0;
    }
    add_searcher(L);
    error = vmprof_autostart(LUA_VERSION);
    if (error < 0)
        report("cannot record", error);
    return 0;
}
