/* SPDX-License-Identifier: MIT */

/* Where LuaJIT's machine code is not known to us. */
#include "hook.h"

void
vmprof_luajit_find_hook(lua_State *L, struct hook *hook)
{
    (void)L;
    *hook = (struct hook){ .mask = NULL };
}

void
vmprof_luajit_take_back_hook(const struct hook *hook)
{
    (void)hook;
}
