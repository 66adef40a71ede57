/* SPDX-License-Identifier: MIT */

#include "observer.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>

#include "../os/descriptors.h"
#include "../os/slice.h"
#include "helper.h"
#include "look.h"
#include "session.h"
#include "signal/looks.h"
#include "signal/rest.h"
#include "signal/sample.h"

enum {
    MOMENT_NS = 40 * 1000,
};

static struct {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping; /* under the mutex */
    bool started;  /* under vmp_threads_lock(), and by who ends the session */
} observer;

static bool
is_observed(const struct vmp_thread *thread)
{
    return vmp_session.clock == VMPROF_CLOCK_OBSERVER &&
           vmp_is_sampled(thread) && !vmp_has_own_frames(thread);
}

static void
look_at(struct vmp_watch *watch, struct vmp_thread *thread, bool paused)
{
    if (is_observed(thread)) {
        if (paused)
            vmp_look_past(watch, thread);
        else
            vmp_look(watch, thread);
    } else if (vmp_clock_is_resting(&thread->clock)) {
        vmp_look_for_work(watch, thread);
    } else if (atomic_load(&thread->looks) != VMP_LOOKS_NONE) {
        vmp_look_in_kernel(watch, thread, paused);
    } else {
        thread->is_unsure = false; /* looks at it may just have ended */
    }
}

static bool
is_to_be_looked_at(const struct vmp_thread *thread)
{
    return vmp_clock_is_resting(&thread->clock) ||
           atomic_load(&thread->looks) != VMP_LOOKS_NONE;
}

/* Returns whether there is anybody to look at once more. */
static bool
look_at_all(struct vmp_watch *watch, bool again)
{
    const bool paused = vmp_is_paused();
    bool unsure = false;

    vmp_threads_lock();
    vmp_observe_lock();
    /* Not before: who has just attached has no older time. */
    watch->now_ns = vmp_now_ns(CLOCK_MONOTONIC);
    for (struct vmp_thread *t = vmp_threads; t; t = t->next) {
        if (t->state != VMP_THREAD_ATTACHED || (again && !t->is_unsure))
            continue;
        look_at(watch, t, paused);
        unsure = unsure || t->is_unsure;
    }
    vmp_observe_unlock();
    vmp_threads_unlock();
    return unsure;
}

/* Who has lost its CPU to us has it again in a moment. */
static void
look_around(struct vmp_watch *watch)
{
    const struct timespec moment = { 0, MOMENT_NS };

    if (look_at_all(watch, false)) {
        nanosleep(&moment, NULL);
        look_at_all(watch, true);
    }
}

static bool
is_stopping(void)
{
    bool stopping;

    pthread_mutex_lock(&observer.mutex);
    stopping = observer.stopping;
    pthread_mutex_unlock(&observer.mutex);
    return stopping;
}

static bool
has_work(void)
{
    bool found = false;

    if (vmp_session.clock == VMPROF_CLOCK_OBSERVER || is_stopping())
        return true;
    vmp_threads_lock();
    for (struct vmp_thread *t = vmp_threads; t && !found; t = t->next)
        found = t->state == VMP_THREAD_ATTACHED && is_to_be_looked_at(t);
    vmp_threads_unlock();
    return found;
}

/* Until somebody rests, or the end. A call that came too late is one turn for
 * nothing. */
static void
await_call(void)
{
    if (has_work())
        return;
    /* Pairs with vmp_rearm(). */
    atomic_store(&vmp_rest.is_idle, true);
    atomic_thread_fence(memory_order_seq_cst);
    if (has_work())
        return;
    while (sem_wait(&vmp_rest.call) < 0 && errno == EINTR)
        ;
}

/* Sleep to the next look, at `due_ns`. Returns false at the end. */
static bool
wait_until(uint64_t due_ns)
{
    const struct timespec until = {
        .tv_sec = (time_t)(due_ns / 1000000000),
        .tv_nsec = (long)(due_ns % 1000000000),
    };
    bool stopping;

    pthread_mutex_lock(&observer.mutex);
    while (!observer.stopping &&
           pthread_cond_timedwait(&observer.wake, &observer.mutex, &until) == 0)
        ;
    stopping = observer.stopping;
    pthread_mutex_unlock(&observer.mutex);
    return !stopping;
}

static int
keep_to_itself(void)
{
    return vmp_session.has_memory
               ? vmp_descriptors_keep_only(atomic_load(&vmp_session.memory_fd))
               : vmp_descriptors_keep_none();
}

static uint64_t
period_of_looks(void)
{
    /* Where nobody has asked for an observer there are fewer. */
    const bool is_asked_for = vmp_session.clock == VMPROF_CLOCK_OBSERVER;

    return is_asked_for || vmp_session.interval_ns > VMP_LEAST_LOOKS_NS
               ? vmp_session.interval_ns
               : VMP_LEAST_LOOKS_NS;
}

static void *
run(void *user)
{
    const uint64_t period_ns = period_of_looks();
    struct vmp_watch watch;
    uint64_t due_ns = vmp_now_ns(CLOCK_MONOTONIC);
    struct vmp_periods periods = { .random = due_ns | 1 };

    pthread_setname_np(pthread_self(), "vmprof-observer");
    prctl(PR_SET_TIMERSLACK, 1UL);
    vmp_slice_shorten(); /* else some looks come too late */
    vmp_watch_begin(&watch, vmp_session.mode == VMPROF_MODE_CPU &&
                                keep_to_itself() == 0);
    atomic_store(&vmp_rest.is_blind, !watch.can_ask);
    do {
        uint64_t now_ns;

        await_call();
        now_ns = vmp_now_ns(CLOCK_MONOTONIC);
        /* What was slept through is not made up for. */
        due_ns += vmp_next_period(&periods, period_ns, due_ns);
        if (due_ns < now_ns)
            due_ns = now_ns + vmp_next_period(&periods, period_ns, now_ns);
        if (!wait_until(due_ns))
            break;
        look_around(&watch);
    } while (true);
    return user;
}

int
vmp_observer_start(void)
{
    int r;

    if (observer.started)
        return 0;
    vmp_helper_condition(&observer.wake);
    pthread_mutex_init(&observer.mutex, NULL);
    sem_init(&vmp_rest.call, 0, 0);
    atomic_store(&vmp_rest.is_idle, false);
    observer.stopping = false;
    r = vmp_helper_start(&observer.thread, run, NULL);
    observer.started = r == 0;
    atomic_store(&vmp_rest.is_looked_at, observer.started);
    return r;
}

void
vmp_observer_stop(void)
{
    atomic_store(&vmp_rest.is_wanted, false);
    if (!observer.started)
        return;
    atomic_store(&vmp_rest.is_looked_at, false);
    pthread_mutex_lock(&observer.mutex);
    observer.stopping = true;
    pthread_cond_signal(&observer.wake);
    pthread_mutex_unlock(&observer.mutex);
    vmp_rest_call();
    pthread_join(observer.thread, NULL);
    pthread_cond_destroy(&observer.wake);
    pthread_mutex_destroy(&observer.mutex);
    observer.started = false;
    atomic_store(&vmp_rest.is_blind, false);
}

void
vmp_observer_leave_to_parent(void)
{
    observer.started = false;
    atomic_store(&vmp_rest.is_looked_at, false);
    atomic_store(&vmp_rest.is_wanted, false);
    atomic_store(&vmp_rest.is_blind, false);
}
