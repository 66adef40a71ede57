/* SPDX-License-Identifier: MIT */

/* Lua 5.4: integers have 64 bits, and all values a text. */
#include "../lua_common/dialect.h"

#include <lauxlib.h>

void
vmprof_shim_push_count(lua_State *L, uint64_t count)
{
    lua_pushinteger(L, (lua_Integer)count);
}

const char *
vmprof_shim_describe_value(lua_State *L)
{
    return luaL_tolstring(L, -1, NULL);
}
