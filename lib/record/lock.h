/* SPDX-License-Identifier: MIT */

/*
 * A lock that no cancelled thread takes with it: pthread_cancel() waits while
 * it is held. Those that are held together are let go in reverse order. Most are
 * held for a moment, which is less than a CPU takes to fall asleep and wake up: who
 * waits tries for as long before it sleeps.
 */
#ifndef VMP_LOCK_H
#define VMP_LOCK_H

#include <pthread.h>
#include <stdbool.h>

#include "../os/clock.h"

enum {
    VMP_MOMENT_NS = 20 * 1000,
};

struct vmp_lock {
    pthread_mutex_t mutex;
    /* Of its holder. */
    unsigned depth; /* a recursive one is held more than once */
    int cancel_state;
};

static inline bool
vmp_try_for_a_moment(pthread_mutex_t *mutex)
{
    bool taken = pthread_mutex_trylock(mutex) == 0;
    uint64_t until_ns;

    if (taken)
        return true;
    until_ns = vmp_now_ns(CLOCK_MONOTONIC) + VMP_MOMENT_NS;
    while (!taken && vmp_now_ns(CLOCK_MONOTONIC) < until_ns)
        taken = pthread_mutex_trylock(mutex) == 0;
    return taken;
}

static inline void
vmp_lock(struct vmp_lock *lock)
{
    int before;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
    if (!vmp_try_for_a_moment(&lock->mutex))
        pthread_mutex_lock(&lock->mutex);
    if (!lock->depth++)
        lock->cancel_state = before;
}

static inline void
vmp_unlock(struct vmp_lock *lock)
{
    const int before = lock->cancel_state;
    const unsigned depth = --lock->depth;

    pthread_mutex_unlock(&lock->mutex);
    if (!depth)
        pthread_setcancelstate(before, NULL);
}

#endif
