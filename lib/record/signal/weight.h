/* SPDX-License-Identifier: MIT */

/* What a sample weighs. */
#ifndef VMP_WEIGHT_H
#define VMP_WEIGHT_H

#include <stdint.h>

#include "../thread.h"

/* CPU time since the last moment of it that was due. Signal context. */
static inline uint64_t
vmp_used_since_due(const struct vmp_thread *thread, uint64_t cpu_ns)
{
    const uint64_t then_ns =
        thread->has_reserve ? thread->due_cpu_ns : thread->last_cpu_ns;

    /* A poll may have charged it ahead of its time. */
    return vmp_since(then_ns, cpu_ns);
}

/*
 * Of a sample of CPU time: all that no other has yet, or so much of it that what
 * is left is the next ones'. One that was held back has all. It is remembered when
 * that was. Signal context.
 */
uint64_t
vmp_weigh(struct vmp_thread *thread, uint64_t cpu_ns, bool was_held_back);

/* That a sample, of CPU time or of time that passed, weighs so much of it. */
static inline void
vmp_charge(struct vmp_thread *thread, uint64_t cpu_ns, uint64_t weight_ns)
{
    thread->last_cpu_ns =
        thread->has_reserve ? thread->last_cpu_ns + weight_ns : cpu_ns;
}

#endif
