/* SPDX-License-Identifier: MIT */

#include "rest.h"

#include "../session.h"
#include "takeover.h"

struct vmp_rest vmp_rest;

void
vmp_rest_call(void)
{
    if (atomic_exchange(&vmp_rest.is_idle, false))
        sem_post(&vmp_rest.call);
}

/* Who samples itself needs no tick before it goes on, and in wall mode nobody
 * does. */
static bool
may_end_sleep(const struct vmp_thread *thread)
{
    return vmp_session.mode == VMPROF_MODE_CPU && !vmp_samples_itself(thread) &&
           !vmp_sleep_has_to_rest(&thread->clock.sleep);
}

void
vmp_rearm(struct vmp_thread *thread, uint64_t period_ns)
{
    if (!thread->clock.sleep.is_asleep || may_end_sleep(thread)) {
        vmp_clock_rearm(&thread->clock, period_ns);
        return;
    }
    thread->looked_cpu_ns = thread->clock.armed_cpu_ns;
    thread->looked_ns = thread->clock.armed_ns;
    if (!vmp_clock_rest(&thread->clock, atomic_load(&vmp_rest.is_looked_at)))
        return;
    /* Pairs with the observer's await_call(): either it sees that this one
     * rests, or we see that it is idle. */
    atomic_thread_fence(memory_order_seq_cst);
    vmp_rest_call();
}
