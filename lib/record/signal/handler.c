/* SPDX-License-Identifier: MIT */

/* Where a clock's signal arrives. Signal context. */

#include "handler.h"

#include <errno.h>

#include "../session.h"
#include "sample.h"
#include "takeover.h"

struct sigaction vmp_foreign_action;

static void
forward(int number, siginfo_t *info, void *context)
{
    if (vmp_foreign_action.sa_flags & SA_SIGINFO)
        vmp_foreign_action.sa_sigaction(number, info, context);
    else if (vmp_foreign_action.sa_handler != SIG_DFL &&
             vmp_foreign_action.sa_handler != SIG_IGN)
        vmp_foreign_action.sa_handler(number);
}

static void
tick(struct vmp_thread *thread, uint64_t now_ns, void *context)
{
    bool polls_come;

    /* Pairs with await_idle(): either it sees that we are busy, or we see
     * that sampling is off. */
    if (atomic_exchange(&thread->busy, true)) {
        if (atomic_load_explicit(&thread->poll.sampling,
                                 memory_order_relaxed)) {
            /* A poll takes the sample: nothing is due. */
            vmp_clock_rearm(&thread->clock, vmp_tick_period(thread, true));
            return;
        }
        /* Whoever is busy may be counting: this counter is the handler's. */
        if (!atomic_load_explicit(&vmp_session.paused, memory_order_relaxed))
            vmp_count(&thread->counters.lost_busy, 1);
        if (atomic_load(&vmp_session.sampling))
            vmp_clock_rearm(&thread->clock, vmp_session.interval_ns);
        return;
    }
    /* A clock that is off has sent this for a session that is over. */
    if (atomic_load(&vmp_session.sampling) &&
        __atomic_load_n(&thread->clock.rung, __ATOMIC_ACQUIRE) !=
            VMPROF_CLOCK_AUTO) {
        polls_come = vmp_polls_come(thread, now_ns);
        thread->context = context;
        if (!polls_come)
            vmp_tick(thread, now_ns);
        thread->context = NULL;
        vmp_clock_rearm(&thread->clock, vmp_tick_period(thread, polls_come));
    }
    atomic_store_explicit(&thread->busy, false, memory_order_release);
}

void
vmp_handle_signal(int number, siginfo_t *info, void *context)
{
    const int saved_errno = errno;
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);

    if (!vmp_clock_sent(info))
        forward(number, info, context);
    else if (vmp_current)
        tick(vmp_current, now_ns, context);
    errno = saved_errno;
}
