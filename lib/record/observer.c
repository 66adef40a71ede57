/* SPDX-License-Identifier: MIT */

#include "observer.h"

#include <errno.h>
#include <pthread.h>

#include "../os/descriptors.h"
#include "helper.h"
#include "observe.h"
#include "session.h"
#include "signal/sample.h"

static struct {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool stopping; /* under the mutex */
    bool started;  /* under vmp_threads_lock(), and by who ends the session */
} observer;

static void
look_at_all(bool can_ask)
{
    const bool paused = vmp_is_paused();

    vmp_threads_lock();
    vmp_observe_lock();
    for (struct vmp_thread *t = vmp_threads; t; t = t->next) {
        if (t->state != VMP_THREAD_ATTACHED || !vmp_is_sampled(t) ||
            vmp_has_own_frames(t))
            continue;
        if (paused)
            vmp_skip(t, vmp_now_ns(CLOCK_MONOTONIC));
        else
            vmp_observe(t, vmp_now_ns(CLOCK_MONOTONIC), can_ask);
    }
    vmp_observe_unlock();
    vmp_threads_unlock();
}

/* Sleep to the next look, jittered around `due_ns`. Returns false at the end.
 */
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

static void *
run(void *user)
{
    static struct vmp_thread dice;
    const bool can_ask =
        vmp_session.mode == VMPROF_MODE_CPU && keep_to_itself() == 0;
    uint64_t due_ns = vmp_now_ns(CLOCK_MONOTONIC);

    pthread_setname_np(pthread_self(), "vmprof-observer");
    dice.random = due_ns | 1;
    do {
        const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);

        /* What was slept through is not made up for. */
        if (due_ns < now_ns)
            due_ns = now_ns;
        due_ns += vmp_jitter(&dice, vmp_session.interval_ns);
        if (!wait_until(due_ns))
            break;
        look_at_all(can_ask);
    } while (true);
    return user;
}

int
vmp_observer_start(void)
{
    int r;

    vmp_helper_condition(&observer.wake);
    pthread_mutex_init(&observer.mutex, NULL);
    observer.stopping = false;
    r = vmp_helper_start(&observer.thread, run, NULL);
    observer.started = r == 0;
    return r;
}

void
vmp_observer_stop(void)
{
    if (!observer.started)
        return;
    observer.started = false;
    pthread_mutex_lock(&observer.mutex);
    observer.stopping = true;
    pthread_cond_signal(&observer.wake);
    pthread_mutex_unlock(&observer.mutex);
    pthread_join(observer.thread, NULL);
    pthread_cond_destroy(&observer.wake);
    pthread_mutex_destroy(&observer.mutex);
}
