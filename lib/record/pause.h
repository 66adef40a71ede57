/* SPDX-License-Identifier: MIT */

/* Pauses of the session: no samples for a while, and none written either. */
#ifndef VMP_PAUSE_H
#define VMP_PAUSE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * In one word, so that a call counts for one session as a whole: the pauses in
 * force, whether one since the first holds the output, and above that which
 * session this is of, whose number is not 0; 0: none runs.
 */
extern atomic_uint_least64_t vmp_pauses;

#define VMP_PAUSE_COUNT ((UINT64_C(1) << 26) - 1)

/* Signal context. */
static inline bool
vmp_is_paused(void)
{
    return atomic_load_explicit(&vmp_pauses, memory_order_relaxed) &
           VMP_PAUSE_COUNT;
}

/* A session begins with none, and all end with it. Under the lock. */
void
vmp_pauses_begin(unsigned session);
void
vmp_pauses_end(void);

/* Around each write. False: not now. When sampling has ended, it may. */
bool
vmp_begin_write(void);
void
vmp_end_write(void);

#endif
