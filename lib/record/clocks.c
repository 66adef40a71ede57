/* SPDX-License-Identifier: MIT */

/* Which clock a thread has, and that it goes on. Under vmp_threads_lock(). */

#include <errno.h>
#include <unistd.h>

#include "../os/barrier.h"
#include "../os/descriptors.h"
#include "../os/pending.h"
#include "observer.h"
#include "session.h"
#include "signal/handler.h"
#include "signal/rest.h"

enum {
    LEAST_USED_NS = 20 * 1000 * 1000, /* to tell that no tick comes */
};

void
vmp_session_failed_clock(int error)
{
    vmp_session.clock_failures++;
    vmp_session.clock_error = -error;
}

/* perf's descriptor is in the table of who makes it; the thread arms it by that
 * number, and whoever disables stops it. Threads may have tables of their own. */
static bool
shares_descriptors(const struct vmp_thread *thread)
{
    const pid_t self = gettid();
    pid_t other = vmp_session.writer ? vmp_writer_tid(vmp_session.writer) : 0;

    /* The writer has the table of who made it, when it has begun. */
    if (!other)
        other = vmp_session.enabled_by;
    return vmp_descriptors_are_shared(self, thread->tid) &&
           vmp_descriptors_are_shared(self, other);
}

static int
make_clock(struct vmp_thread *thread)
{
    enum vmprof_clock rung = vmp_session.rung;
    int r;

    if (rung == VMPROF_CLOCK_PERF && !shares_descriptors(thread))
        rung = VMPROF_CLOCK_MONOTONIC;
    r = vmp_clock_start(&thread->clock, rung, thread->tid, thread->period_ns);
    /* Out of descriptors, say: the other rungs need none. */
    if (r < 0 && rung == VMPROF_CLOCK_PERF)
        r = vmp_clock_start(&thread->clock, VMPROF_CLOCK_MONOTONIC, thread->tid,
                            thread->period_ns);
    /* Whoever sleeps is looked at; where there can be no thread for that, the
     * kernel's CPU timer has to do. Not once the session has begun to end. */
    if (r == 0 && thread->clock.rung == VMPROF_CLOCK_MONOTONIC &&
        vmp_session.writer)
        vmp_observer_start();
    return r;
}

static bool
get_clock(struct vmp_thread *thread)
{
    const int r = make_clock(thread);

    thread->awaits_clock = r == -EAGAIN;
    if (thread->awaits_clock)
        vmp_session.clock_retries++;
    else if (r < 0)
        vmp_session_failed_clock(r);
    return r == 0;
}

bool
vmp_session_find_clock(struct vmp_thread *thread)
{
    return atomic_load(&vmp_session.sampling) && vmp_is_sampled(thread) &&
           thread->clock.rung == VMPROF_CLOCK_AUTO && get_clock(thread);
}

void
vmp_session_start_clock(struct vmp_thread *thread)
{
    if (vmp_session_find_clock(thread))
        vmp_clock_begin(&thread->clock, vmp_thread_cpu_ns(thread->tid));
}

/* Threads that want the observer to look at them cannot start it in a handler. */
static void
start_observer(void)
{
    if (vmp_session.writer && atomic_exchange(&vmp_rest.is_wanted, false))
        vmp_observer_start();
}

void
vmp_session_retry_clocks(void)
{
    start_observer();
    for (struct vmp_thread *t = vmp_threads; t; t = t->next) {
        if (t->state != VMP_THREAD_ATTACHED)
            continue;
        if (t->awaits_clock)
            vmp_session_start_clock(t);
        else if (t->is_stuck && !atomic_load(&t->busy))
            vmp_session_join(t);
    }
}

bool
vmp_session_count_clock_error(struct vmp_thread *thread)
{
    const int error =
        __atomic_exchange_n(&thread->clock.error, 0, __ATOMIC_RELAXED);

    if (error)
        vmp_session_failed_clock(-error);
    return error != 0;
}

/* No handler is at work with it, or will be until it is whole; a thread that is
 * busy has its turn at the next check. */
static void
replace_clock(struct vmp_thread *thread, int reason)
{
    bool found;

    atomic_store(&thread->is_replaced, true);
    vmp_barrier_all();
    if (atomic_load(&thread->busy)) {
        atomic_store(&thread->is_replaced, false);
        return;
    }
    if (reason)
        vmp_session_failed_clock(reason);
    else
        vmp_session_count_clock_error(thread);
    vmp_clock_stop(&thread->clock);
    found = get_clock(thread);
    atomic_store(&thread->is_replaced, false);
    /* Its tick would have been nobody's before. */
    if (found)
        vmp_clock_begin(&thread->clock, vmp_thread_cpu_ns(thread->tid));
}

/*
 * Whether a thread has used the CPU since its clock was armed, before the last
 * check, and that is done with, as no handler of ours has got its tick: the host
 * has had another action for a while, or has taken the signal where it was blocked.
 */
static bool
is_silent(struct vmp_thread *thread)
{
    const uint64_t armed_ns =
        __atomic_load_n(&thread->clock.armed_ns, __ATOMIC_RELAXED);
    const struct vmp_clock_watch then = thread->watch;
    uint64_t cpu_ns;

    if (armed_ns != then.armed_ns) {
        thread->watch = (struct vmp_clock_watch){
            .armed_ns = armed_ns,
            .cpu_ns =
                __atomic_load_n(&thread->clock.armed_cpu_ns, __ATOMIC_RELAXED),
        };
        return false;
    }
    cpu_ns = vmp_thread_cpu_ns(thread->tid);
    if (cpu_ns <= then.cpu_ns + LEAST_USED_NS)
        return false;
    /* A poll may move it, so that it goes on. */
    thread->watch.cpu_ns = cpu_ns;
    thread->watch.count_ns = vmp_clock_count(&thread->clock);
    return thread->watch.count_ns == then.count_ns &&
           vmp_clock_is_done(&thread->clock) && vmp_handler_is_in_place() &&
           vmp_is_pending_for(NULL, thread->tid) == 0;
}

/* Why a clock has to be replaced: a negative errno, 0 that of the clock. */
static bool
is_broken(struct vmp_thread *thread, int *reason)
{
    *reason = 0;
    if (__atomic_load_n(&thread->clock.error, __ATOMIC_RELAXED))
        return true;
    if (vmp_clock_is_gone(&thread->clock))
        *reason = -EBADF;
    else if (is_silent(thread))
        *reason = -ECANCELED;
    return *reason != 0;
}

void
vmp_session_check_clocks(void)
{
    int reason;

    if (!atomic_load(&vmp_session.sampling))
        return;
    for (struct vmp_thread *t = vmp_threads; t; t = t->next)
        if (t->state == VMP_THREAD_ATTACHED &&
            t->clock.rung != VMPROF_CLOCK_AUTO && is_broken(t, &reason))
            replace_clock(t, reason);
}
