/* SPDX-License-Identifier: MIT */

/* Where the C interfaces of Lua 5.4 and LuaJIT differ; each module has its
   own. */
#ifndef LUA_COMMON_DIALECT_H
#define LUA_COMMON_DIALECT_H

#include <stdint.h>

#include <lua.h>

void
vmprof_shim_push_count(lua_State *L, uint64_t count);

/* What is on top of the stack, for a message; it may leave a value there. */
const char *
vmprof_shim_describe_value(lua_State *L);

#endif
