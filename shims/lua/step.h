/* SPDX-License-Identifier: MIT */

/* From an activation record to the one beneath it. */
#ifndef LUA_SHIM_STEP_H
#define LUA_SHIM_STEP_H

#include <stdbool.h>

#include <lua.h>

/* Make `activation`, of level - 1, that of `level`; false: it was the last. */
bool
vmprof_lua_step(lua_State *L, lua_Debug *activation, int level);

#endif
