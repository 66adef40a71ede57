/* SPDX-License-Identifier: MIT */

#include "rest.h"

#include "../session.h"
#include "sample.h"
#include "takeover.h"

struct vmp_rest vmp_rest;

void
vmp_rest_call(void)
{
    if (atomic_exchange(&vmp_rest.is_idle, false))
        sem_post(&vmp_rest.call);
}

void
vmp_let_rest(struct vmp_thread *thread)
{
    /* Who samples itself needs no tick before it goes on. */
    if (vmp_session.mode == VMPROF_MODE_CPU && !vmp_samples_itself(thread) &&
        !vmp_clock_has_to_rest(&thread->clock)) {
        vmp_clock_rearm(&thread->clock,
                        vmp_jitter(thread, vmp_session.interval_ns));
        return;
    }
    thread->looked_cpu_ns = thread->clock.armed_cpu_ns;
    thread->looked_ns = thread->clock.armed_ns;
    if (!vmp_clock_rest(&thread->clock, atomic_load(&vmp_rest.is_looked_at)))
        return;
    /* Pairs with the observer's await_call(): either it sees that this one rests, or we see
     * that it is idle. */
    atomic_thread_fence(memory_order_seq_cst);
    vmp_rest_call();
}
