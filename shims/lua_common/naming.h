/* SPDX-License-Identifier: MIT */

/* Where there may be a name of a function. */
#ifndef LUA_COMMON_NAMING_H
#define LUA_COMMON_NAMING_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

enum {
    NAME_SIZE = 256,
};

/* loaded.c: where the function on top of the stack, which stays, stands in
   package.loaded. False if it does not. Needs a few stack slots. */
bool
vmprof_shim_find_loaded(lua_State *L, char name[NAME_SIZE]);

/* definition.c: what the source calls a function where it is defined: the one
   that begins on line `number` of `source`, which has `size` bytes and is what
   Lua's debug interface says. False if the source cannot be read or does not
   say. */
bool
vmprof_shim_definition(const char *source, size_t size, int number,
                       char name[NAME_SIZE]);

/* symbol.c: by the symbol of its machine code, or by its object. NULL is
   allowed. */
void
vmprof_shim_name_machine_code(lua_CFunction function, char name[NAME_SIZE]);

#endif
