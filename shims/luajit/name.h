/* SPDX-License-Identifier: MIT */

/* What a function is called. */
#ifndef LUAJIT_SHIM_NAME_H
#define LUAJIT_SHIM_NAME_H

#include <stdbool.h>

#include <lua.h>

#include "../lua_common/naming.h"

/*
 * Name the function on top of the stack, of which `activation` has been asked
 * for "S". `is_called`: the activation is a call's. Needs a few stack slots.
 */
void
vmprof_luajit_name(lua_State *L, lua_Debug *activation, bool is_called,
                   char name[NAME_SIZE]);

#endif
