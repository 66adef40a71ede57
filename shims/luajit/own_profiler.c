/* SPDX-License-Identifier: MIT */

/*
 * jit.profile, and with it jit.p, would take LuaJIT's profiler away from us and
 * end it: while a state is attached, its start() says that it is in use.
 */
#include "state.h"

#include <lauxlib.h>

/* Has the original start() as its upvalue. */
static int
refuse_start(lua_State *L)
{
    return luaL_error(L, "LuaJIT's profiler is in use by vmprof");
}

/* What was not started need not be stopped. */
static int
ignore_stop(lua_State *L)
{
    (void)L;
    return 0;
}

/* The table is on top of the stack. */
static void
replace(lua_State *L, const char *name, lua_CFunction function)
{
    lua_getfield(L, -1, name);
    if (lua_isfunction(L, -1) && lua_tocfunction(L, -1) != function) {
        lua_pushcclosure(L, function, 1);
        lua_setfield(L, -2, name);
    } else {
        lua_pop(L, 1);
    }
}

static void
restore(lua_State *L, const char *name, lua_CFunction function)
{
    lua_getfield(L, -1, name);
    if (lua_tocfunction(L, -1) == function && lua_getupvalue(L, -1, 1))
        lua_setfield(L, -3, name);
    lua_pop(L, 1);
}

void
vmprof_luajit_reserve_profiler(lua_State *L, bool reserved)
{
    const int top = lua_gettop(L);

    lua_getglobal(L, "require");
    lua_pushliteral(L, "jit.profile");
    if (lua_isfunction(L, -2) && lua_pcall(L, 1, 1, 0) == 0 &&
        lua_istable(L, -1)) {
        if (reserved) {
            replace(L, "start", refuse_start);
            replace(L, "stop", ignore_stop);
        } else {
            restore(L, "start", refuse_start);
            restore(L, "stop", ignore_stop);
        }
    }
    lua_settop(L, top);
}
