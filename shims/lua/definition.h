/* SPDX-License-Identifier: MIT */

/* What the source calls a function where it is defined. */
#ifndef LUA_SHIM_DEFINITION_H
#define LUA_SHIM_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>

#include "name.h"

/* The function that begins on line `number` of `source`, which has `size` bytes
   and is what Lua's debug interface says. False if the source cannot be read or
   does not say. */
bool
vmprof_lua_definition(const char *source, size_t size, int number,
                      char name[NAME_SIZE]);

#endif
