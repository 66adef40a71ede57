/* SPDX-License-Identifier: MIT */

/* An OS thread and the Lua states whose samples its ticks ask for. */
#ifndef LUA_SHIM_OS_THREAD_H
#define LUA_SHIM_OS_THREAD_H

#include <stdatomic.h>
#include <stdbool.h>

struct profiled_state;
struct vmprof_thread;

struct os_thread {
    struct vmprof_thread *record;
    bool attached_here; /* by us: then it is ours to detach */
    /* Held around changes of `states`, and tried by the handler: a state can
       be closed by another thread than the one that ticks for it. */
    atomic_flag guard;
    struct profiled_state *states;
};

#endif
