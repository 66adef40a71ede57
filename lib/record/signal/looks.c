/* SPDX-License-Identifier: MIT */

#include "looks.h"

#include "../session.h"
#include "rest.h"
#include "takeover.h"
#include "weight.h"

enum {
    MOST_TRIES = VMP_ONE_TRY * 5 / 4, /* a fifth of the time in the kernel */
    LEAST_GAPS = 8,                   /* one long call is no habit */
};

/* A look sees no native frames: with them, samples without are few. */
static bool
wants_looks(const struct vmp_thread *thread, bool has_them)
{
    return thread->clock.rung == VMPROF_CLOCK_PERF &&
           vmp_session.clock != VMPROF_CLOCK_OBSERVER && !vmp_session.native &&
           (has_them ? thread->clock.on_time < VMP_MANY_ON_TIME
                     : thread->clock.tries > MOST_TRIES &&
                           thread->clock.gaps >= LEAST_GAPS) &&
           !vmp_has_own_frames(thread) && !vmp_samples_itself(thread) &&
           !atomic_load(&vmp_rest.is_blind);
}

/* What the observer looks at of the thread is its own from then on. */
static void
begin_looks(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns)
{
    thread->looked_ns = now_ns;
    thread->looked_cpu_ns = cpu_ns;
    thread->is_blocked = false;
    atomic_store(&thread->looks, VMP_LOOKS_HELD);
    /* Pairs with the observer's await_call(), as in vmp_rearm(). */
    atomic_thread_fence(memory_order_seq_cst);
    vmp_rest_call();
}

/* Where CPUs are short it may not come for long. */
static bool
is_late(const struct vmp_thread *thread, uint64_t cpu_ns)
{
    return vmp_used_since_due(thread, cpu_ns) >
           2 * vmp_session.interval_ns + 4 * VMP_LEAST_LOOKS_NS;
}

bool
vmp_ask_for_looks(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns)
{
    const bool has_them = atomic_load(&thread->looks) != VMP_LOOKS_NONE,
               wants = wants_looks(thread, has_them);

    thread->clock.is_looked_at = wants && atomic_load(&vmp_rest.is_looked_at);
    if (wants && !thread->clock.is_looked_at)
        atomic_store(&vmp_rest.is_wanted, true);
    if (wants == has_them)
        return thread->clock.is_looked_at && !is_late(thread, cpu_ns);
    if (wants)
        begin_looks(thread, now_ns, cpu_ns);
    else
        atomic_store(&thread->looks, VMP_LOOKS_NONE);
    return false;
}
