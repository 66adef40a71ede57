/* SPDX-License-Identifier: MIT */

/* Memory barriers that one thread has all others make, so that they need none
 * where they are often. */
#ifndef VMP_OS_BARRIER_H
#define VMP_OS_BARRIER_H

#include <stdatomic.h>
#include <stdbool.h>

/* Whether threads must make their own: the kernel has no such call. */
extern atomic_bool vmp_barriers_are_own;

/* By the thread that is often there: what it has written is seen by whoever
 * calls vmp_barrier_all(), or it sees what that has written before. */
static inline void
vmp_barrier_own(void)
{
    if (atomic_load_explicit(&vmp_barriers_are_own, memory_order_relaxed))
        atomic_thread_fence(memory_order_seq_cst);
    else
        atomic_signal_fence(memory_order_seq_cst);
}

/* Have every thread of the process make one. */
void
vmp_barrier_all(void);

/* To be called before either. Any number of times. */
void
vmp_barrier_prepare(void);

#endif
