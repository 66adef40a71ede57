/* SPDX-License-Identifier: MIT */

/* What the source calls a function where it is defined. */
#ifndef LUA_SHIM_DEFINITION_H
#define LUA_SHIM_DEFINITION_H

#include <stdbool.h>

#include <lua.h>

#include "name.h"

/* False if the source cannot be read or does not say. `activation` has been
   asked for "S". */
bool
vmprof_lua_definition(const lua_Debug *activation, char name[NAME_SIZE]);

#endif
