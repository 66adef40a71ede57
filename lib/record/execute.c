/* SPDX-License-Identifier: MIT */

/* A call that is wrapped in enter and leave. Built with -fexceptions, so that
 * the leave also happens when a C++ exception passes through. */

#include <vmprof/stack.h>

struct call {
    struct vmprof_thread *thread;
    vmprof_token token;
};

/* Said, since clang does not find out at -O0, and calls abort() in case. */
__attribute__((nothrow)) static void
leave(struct call *call)
{
    vmprof_execute_code_leave(call->thread, call->token);
}

void *
vmprof_execute_code(struct vmprof_thread *thread, vmprof_code_id code,
                    void *(*function)(void *argument), void *argument)
{
    struct call call __attribute__((cleanup(leave), unused)) = {
        thread,
        vmprof_execute_code_enter(thread, code, NULL),
    };

    return function(argument);
}
