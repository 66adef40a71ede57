/* SPDX-License-Identifier: MIT */

/*
 * A lock that no cancelled thread takes with it: pthread_cancel() waits while
 * it is held. Those that are held together are let go in reverse order.
 */
#ifndef VMP_LOCK_H
#define VMP_LOCK_H

#include <pthread.h>

struct vmp_lock {
    pthread_mutex_t mutex;
    /* Of its holder. */
    unsigned depth; /* a recursive one is held more than once */
    int cancel_state;
};

static inline void
vmp_lock(struct vmp_lock *lock)
{
    int before;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
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
