/* SPDX-License-Identifier: MIT */

/* Where there is no generator for the machine: threaded code is run. */
#include "jit_trace.h"

#if !defined(__x86_64__) || defined(__ILP32__)

bool
jit_has_machine(void)
{
    return false;
}

bool
jit_assemble(struct jit_trace *trace)
{
    jit_thread(trace);
    return true;
}

void
jit_patch(struct jit_guard *guard)
{
    (void)guard;
}

void
jit_free_code(struct jit_trace *trace)
{
    (void)trace;
}

#endif
