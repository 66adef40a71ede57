/* SPDX-License-Identifier: MIT */

/* Where a thread's frames come from, if not from its shadow stack. */

#include <vmprof/sampler.h>

#include <errno.h>

#include "session.h"
#include "signal/own_frames.h"
#include "signal/walked.h"

/* A tick in between sees the old source, the new one, or none. */
static void
change_source(struct vmp_thread *thread, vmprof_request_function request,
              vmprof_read_function read, void *user)
{
    thread->request = NULL;
    thread->read = NULL;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->request_user = user;
    thread->read_user = user;
    vmp_give_up_request(thread);
    thread->marked = 0;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->request = request;
    thread->read = read;
}

static int
set_source(struct vmprof_thread *head, vmprof_request_function request,
           vmprof_read_function read, void *user)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;

    if (!thread || thread != vmp_current)
        return -ESRCH;
    vmp_threads_lock();
    change_source(thread, request, read, user);
    if (vmp_has_own_frames(thread))
        vmp_session_start_clock(thread);
    else if (vmp_session.clock == VMPROF_CLOCK_OBSERVER)
        vmp_clock_stop(&thread->clock);
    vmp_threads_unlock();
    return 0;
}

int
vmprof_request_sample(struct vmprof_thread *thread,
                      vmprof_request_function request, void *user)
{
    return set_source(thread, request, NULL, user);
}

int
vmprof_read_frames(struct vmprof_thread *thread, vmprof_read_function read,
                   void *user)
{
    return set_source(thread, NULL, read, user);
}

void
vmp_close_own_frames(struct vmp_thread *thread)
{
    vmp_weigh_own_frames(thread, vmp_now_ns(CLOCK_MONOTONIC),
                         thread->cpu_end_ns);
}
