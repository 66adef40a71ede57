/* SPDX-License-Identifier: MIT */

/* What LuaJIT finds in the shared object by name. */
#ifndef LUAJIT_SHIM_MODULE_H
#define LUAJIT_SHIM_MODULE_H

#include <lua.h>
#include <vmprof/base.h>

VMPROF_API int
luaopen_vmprof(lua_State *L);

VMPROF_API int
luaopen_vmprof_record(lua_State *L);

#endif
