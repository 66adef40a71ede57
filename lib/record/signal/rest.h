/* SPDX-License-Identifier: MIT */

/* Threads that sleep, and wait for the observer to look at them. */
#ifndef VMP_REST_H
#define VMP_REST_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>

struct vmp_thread;

/* What tells the observer that somebody rests. */
struct vmp_rest {
    atomic_bool
        is_looked_at;    /* there is one, who looks until the session ends */
    atomic_bool is_idle; /* it waits for `call` */
    sem_t call;
};

extern struct vmp_rest vmp_rest;

/* Instead of rearming the clock of a thread whose sleep it has ended. Signal
 * context. */
void
vmp_let_rest(struct vmp_thread *thread);

/* Let the observer go on, if it is idle. Any context. */
void
vmp_rest_call(void);

#endif
