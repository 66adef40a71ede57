/* SPDX-License-Identifier: MIT */

/* What is set for all threads, and the one lock over all that is not a single
 * counter. */
#ifndef VMP_INTERP_SETTINGS_H
#define VMP_INTERP_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "table.h"

struct vmp_hits;

struct vmp_interp_settings {
    /* Moves when anything that threads look at has changed. */
    _Atomic uint64_t epoch;

    /* Written under the lock. */
    _Atomic uint64_t period;
    atomic_bool jitter;

    /* Under the lock. */
    bool all; /* of threads yet to come */
    struct vmp_table_limits limits;
    uint64_t generation; /* of what is in tables: moves when it is taken */
    uint64_t restarts;   /* moves when threads are to count from 0 */
    uint64_t freed;      /* rows that may have become free, in all */
    uint64_t candidates; /* how many there are */
    struct vmp_hits *threads;
    struct vmp_table ended; /* hits of threads that are no more */
    uint64_t taken_unix_ns, taken_mono_ns; /* when that was last; 0: never */
};

extern struct vmp_interp_settings vmp_interp;

/* Inside all locks but that of the codes. */
void
vmp_interp_lock(void);
void
vmp_interp_unlock(void);

/* Have each thread look at what is set; under the lock. */
static inline void
vmp_interp_changed(void)
{
    /* Pairs with the acquire where a count has run out. */
    atomic_fetch_add_explicit(&vmp_interp.epoch, 1, memory_order_release);
}

#endif
