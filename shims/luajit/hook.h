/* SPDX-License-Identifier: MIT */

/*
 * The hook of LuaJIT's profiler can get lost. Its handler sets a bit and has
 * lj_dispatch_update() write the table by which instructions are run; if the
 * signal came in the middle of that very function, it goes on to write the
 * table without the hook. As the bit is set, no later tick asks again, and no
 * trace that is left has a side trace made: a compiled loop of pairs() is then
 * entered again at once, for ever. So who has asked for long takes it back
 * first, which makes the table whole.
 */
#ifndef LUAJIT_SHIM_HOOK_H
#define LUAJIT_SHIM_HOOK_H

#include "state.h"

/* Where LuaJIT keeps it; all NULL: not found. */
struct hook {
    volatile uint8_t *mask;
    void *global;
    void (*update)(void *global);
};

/* From the machine code of LuaJIT's own functions. */
void
vmprof_luajit_find_hook(lua_State *L, struct hook *hook);

/* If it is set, as if it never had been. On the thread of the state, also in a
   signal handler. */
void
vmprof_luajit_take_back_hook(const struct hook *hook);

#endif
