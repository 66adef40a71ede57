/* SPDX-License-Identifier: MIT */

/* The table that vmprof.start() takes. */
#ifndef LUAJIT_SHIM_OPTIONS_H
#define LUAJIT_SHIM_OPTIONS_H

#include <lua.h>
#include <vmprof/vmprof.h>

struct start_options {
    const char *file; /* lives as long as the argument */
    struct vmprof_options library;
};

/* Read argument 1, or raise an error that names what is wrong in it. */
void
vmprof_luajit_check_options(lua_State *L, struct start_options *options);

#endif
