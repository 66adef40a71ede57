/* SPDX-License-Identifier: MIT */

/* Code that is profiled and then unloaded, with the cell of its position. */

#include <vmprof/vmprof.h>

static uintptr_t position;

void
run_plugin(struct vmprof_thread *thread, vmprof_code_id code, unsigned depth);

void
run_plugin(struct vmprof_thread *thread, vmprof_code_id code, unsigned depth)
{
    const vmprof_token token =
        vmprof_execute_code_enter(thread, code, &position);

    for (volatile unsigned i = 0; i < 300; i++)
        position = i;
    if (depth > 1)
        run_plugin(thread, code, depth - 1);
    vmprof_execute_code_leave(thread, token);
}
