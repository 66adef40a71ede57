/* SPDX-License-Identifier: MIT */

/* The table that vmprof.start() takes. */
#ifndef LUA_COMMON_OPTIONS_H
#define LUA_COMMON_OPTIONS_H

#include <lua.h>
#include <vmprof/vmprof.h>

struct start_options {
    const char *file; /* lives as long as the argument */
    struct vmprof_options library;
};

/* Read argument 1, or raise an error that names what is wrong in it. `more` are
   the names of options that the caller reads itself, up to a NULL. */
void
vmprof_shim_check_options(lua_State *L, const char *const *more,
                          struct start_options *options);

/* The index of the option's value in `choices`, which end with NULL, or 0 if it
   is not given. */
uint32_t
vmprof_shim_check_choice(lua_State *L, const char *name,
                         const char *const *choices);

#endif
