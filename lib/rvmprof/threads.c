/* SPDX-License-Identifier: MIT */

#include "threads.h"

#include <vmprof/stack.h>

#include "frames.h"

/* The record that this library's reader was given to. */
static _Thread_local struct vmprof_thread *read_thread;

int
rvm_attach_thread(void)
{
    struct vmprof_thread *thread = vmprof_current_thread();
    struct vmprof_thread_options options;
    int r = 0;

    if (thread && thread == read_thread)
        return 0;
    vmprof_thread_options_init(&options);
    options.max_depth = 1; /* the VM keeps its calls itself */
    if (!thread)
        r = vmprof_attach_thread(&options, &thread);
    if (r == 0)
        r = vmprof_read_frames(thread, rvm_read_frames, NULL);
    if (r == 0)
        read_thread = thread;
    return r;
}
