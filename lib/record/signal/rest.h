/* SPDX-License-Identifier: MIT */

/* Threads that sleep, and wait for the observer to look at them. */
#ifndef VMP_REST_H
#define VMP_REST_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vmp_thread;

/* What tells the observer that somebody rests. */
struct vmp_rest {
    atomic_bool
        is_looked_at;      /* there is one, who looks until the session ends */
    atomic_bool is_idle;   /* it waits for `call` */
    atomic_bool is_wanted; /* by threads on perf's clock, for which there was
                              none; the writer's thread starts it */
    atomic_bool is_blind; /* it cannot tell a tick that is blocked from one that
                              fell into the kernel, and looks at nobody there */
    sem_t call;
};

extern struct vmp_rest vmp_rest;

/* Ask for the next tick; where the last one ended a sleep, perhaps not before the
 * observer has seen that it is over. Signal context. */
void
vmp_rearm(struct vmp_thread *thread, uint64_t period_ns);

/* Let the observer go on, if it is idle. Any context. */
void
vmp_rest_call(void);

#endif
