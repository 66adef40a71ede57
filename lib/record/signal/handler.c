/* SPDX-License-Identifier: MIT */

/* Where a clock's signal arrives. Signal context. */

#include "handler.h"

#include <errno.h>
#include <ucontext.h>

#include "../session.h"
#include "looks.h"
#include "rest.h"
#include "sample.h"
#include "takeover.h"

struct sigaction vmp_foreign_action;

/* A handler that is to run once is gone before it runs, as the kernel has it.
 * False: another thread runs it. */
static bool
take_foreign(struct sigaction *action)
{
    static atomic_flag taking = ATOMIC_FLAG_INIT;
    /* Pairs with the release below: who finds that it is gone finds SIG_DFL. */
    const int flags =
        __atomic_load_n(&vmp_foreign_action.sa_flags, __ATOMIC_ACQUIRE);
    bool is_ours;

    *action = vmp_foreign_action;
    if (!(flags & (int)SA_RESETHAND))
        return true;
    if (atomic_flag_test_and_set(&taking))
        return false;
    is_ours = vmp_foreign_action.sa_flags & (int)SA_RESETHAND;
    vmp_foreign_action.sa_handler = SIG_DFL;
    __atomic_store_n(&vmp_foreign_action.sa_flags,
                     flags & ~((int)SA_RESETHAND | SA_SIGINFO),
                     __ATOMIC_RELEASE);
    atomic_flag_clear(&taking);
    return is_ours;
}

static void
call_foreign(const struct sigaction *action, int number, siginfo_t *info,
             void *context)
{
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(number, info, context);
    else
        action->sa_handler(number);
}

/* With the signals blocked that its handler asked for, and no others of ours.
 * Its masks are no part of what a tick takes of a small stack. */
static __attribute__((noinline)) void
forward(int number, siginfo_t *info, void *context)
{
    const ucontext_t *const interrupted = context;
    struct sigaction action;
    sigset_t ours;

    if (!take_foreign(&action) ||
        (!(action.sa_flags & SA_SIGINFO) &&
         (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)))
        return;
    if (!(action.sa_flags & SA_NODEFER))
        sigaddset(&action.sa_mask, number);
    sigorset(&action.sa_mask, &action.sa_mask, &interrupted->uc_sigmask);
    pthread_sigmask(SIG_SETMASK, &action.sa_mask, &ours);
    call_foreign(&action, number, info, context);
    pthread_sigmask(SIG_SETMASK, &ours, NULL);
}

/* After a tick that took no sample. */
static void
rearm_unused(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns,
             const void *context, uint64_t period_ns)
{
    struct vmp_missed missed;

    vmp_clock_read(&thread->clock, now_ns, cpu_ns, vmp_session.interval_ns,
                   context, &missed);
    vmp_rearm(thread, period_ns);
}

/* By where the innermost frame is, and the serial of that. 0: unknown, also where a
 * sample was interrupted. */
static void
note_activation(struct vmp_thread *thread, bool is_known)
{
    const struct vmprof_frame *const top = thread->head.top;

    if (thread->clock.rung != VMPROF_CLOCK_MONOTONIC)
        return;
    thread->clock.sleep.activation =
        is_known && thread->head.stack && !vmp_has_own_frames(thread)
            ? (uint64_t)(uintptr_t)top << 32 ^ (top - 1)->link
            : 0;
}

/* A tick that interrupts a sample of its own thread's. */
static void
tick_in_between(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns,
                const void *context)
{
    note_activation(thread, false);
    if (atomic_load_explicit(&thread->poll.sampling, memory_order_relaxed)) {
        /* A poll takes the sample: nothing is due. */
        rearm_unused(thread, now_ns, cpu_ns, context,
                     vmp_tick_period(thread, true, now_ns, cpu_ns));
        return;
    }
    /* Whoever is busy may be counting: this counter is the handler's. */
    if (!vmp_is_paused())
        vmp_count(&thread->counters.lost_busy, 1);
    if (atomic_load(&vmp_session.sampling))
        rearm_unused(thread, now_ns, cpu_ns, context, vmp_session.interval_ns);
}

/* A tick of a thread that the observer samples. */
static void
tick_beside_looks(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns,
                  const void *context)
{
    rearm_unused(
        thread, now_ns, cpu_ns, context,
        vmp_next_period(&thread->periods, vmp_session.interval_ns, cpu_ns));
}

static void
tick(struct vmp_thread *thread, uint64_t now_ns, void *context)
{
    const uint64_t cpu_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    const enum vmp_busy busy = vmp_take(thread);

    /* This may be the last tick of a clock that is replaced; and what it has
     * interrupted may not know that yet. */
    if (busy == VMP_BUSY && !atomic_load(&thread->is_replaced))
        tick_in_between(thread, now_ns, cpu_ns, context);
    if (busy == VMP_BUSY || busy == VMP_REPLACED)
        return;
    /* A clock that is off has sent this for a session that is over. */
    if (atomic_load(&vmp_session.sampling) &&
        __atomic_load_n(&thread->clock.rung, __ATOMIC_ACQUIRE) !=
            VMPROF_CLOCK_AUTO) {
        note_activation(thread, true);
        if (busy == VMP_LOOKED_AT ||
            vmp_ask_for_looks(thread, now_ns, cpu_ns)) {
            tick_beside_looks(thread, now_ns, cpu_ns, context);
        } else if (vmp_polls_come(thread, now_ns, cpu_ns)) {
            rearm_unused(thread, now_ns, cpu_ns, context,
                         vmp_tick_period(thread, true, now_ns, cpu_ns));
        } else {
            bool is_over;

            thread->context = context;
            is_over = vmp_tick(thread, now_ns, cpu_ns);
            thread->context = NULL;
            if (is_over)
                vmp_rearm(thread,
                          vmp_tick_period(thread, false, now_ns, cpu_ns));
        }
    }
    vmp_give_back(thread);
}

void
vmp_handle_signal(int number, siginfo_t *info, void *context)
{
    const int saved_errno = errno;
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);
    struct vmp_thread *const thread = vmp_current;

    if (!vmp_clock_sent(thread ? &thread->clock : NULL, info))
        forward(number, info, context);
    else if (thread)
        tick(thread, now_ns, context);
    errno = saved_errno;
}
