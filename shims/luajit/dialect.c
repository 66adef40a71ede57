/* SPDX-License-Identifier: MIT */

/* LuaJIT: all numbers are doubles, and strings alone are their own text. */
#include "../lua_common/dialect.h"

#include <lauxlib.h>

void
vmprof_shim_push_count(lua_State *L, uint64_t count)
{
    lua_pushnumber(L, (lua_Number)count);
}

const char *
vmprof_shim_describe_value(lua_State *L)
{
    return lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                          : luaL_typename(L, -1);
}
