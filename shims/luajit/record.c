/* SPDX-License-Identifier: MIT */

/*
 * What `vmprof record` has luajit(1) call by LUA_INIT, before the program
 * begins: attach the state, and enable profiling as the environment says.
 */
#include "module.h"
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <luajit.h>
#include <vmprof/autostart.h>

/* The last of package.loaders, so that no module of the program's is hidden by
   ours. */
static int
search_module(lua_State *L)
{
    if (strcmp(luaL_checkstring(L, 1), "vmprof") != 0)
        return 0;
    lua_pushvalue(L, lua_upvalueindex(1));
    return 1;
}

static void
add_loader(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(L, -1, "package");
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "loaders");
        if (lua_istable(L, -1)) {
            lua_pushcfunction(L, luaopen_vmprof);
            lua_pushcclosure(L, search_module, 1);
            lua_rawseti(L, -2, (int)lua_objlen(L, -2) + 1);
        }
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
    int error = vmprof_autostart(LUAJIT_VERSION);

    if (error < 0)
        report("cannot record", error);
    error = vmprof_luajit_attach(L, &state);
    if (error) {
        report("this Lua program cannot be profiled", error);
        return 0;
    }
    add_loader(L);
    return 0;
}
