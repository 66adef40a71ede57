/* SPDX-License-Identifier: MIT */

/* What a function is called. */
#ifndef LUA_SHIM_NAME_H
#define LUA_SHIM_NAME_H

#include <lua.h>

#include "../lua_common/naming.h"

/*
 * Name the function of `activation`, of `L`, which has been asked for "Slut".
 * Needs a few stack slots of both `L` and `runner`, who runs now.
 */
void
vmprof_lua_name(lua_State *runner, lua_State *L, lua_Debug *activation,
                char name[NAME_SIZE]);

#endif
