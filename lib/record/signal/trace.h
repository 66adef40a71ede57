/* SPDX-License-Identifier: MIT */

/* Which trace a thread runs. Signal context. */
#ifndef VMP_SIGNAL_TRACE_H
#define VMP_SIGNAL_TRACE_H

#include "../thread.h"

/* As struct vmp_record has it: the trace whose machine code the tick in hand
 * interrupted, else the one that the thread says is current. */
uint64_t
vmp_running_trace(const struct vmp_thread *thread);

/* The one that any thread says is current; 0: none. */
uint64_t
vmp_current_trace(const struct vmp_thread *thread);

/* The phase of a sample in it: where the VM says no other, compiled code. */
static inline uint8_t
vmp_phase_in(const struct vmp_thread *thread, uint64_t trace)
{
    const uint64_t phase =
        __atomic_load_n(&thread->head.phase, __ATOMIC_RELAXED);

    return (uint8_t)(trace && phase == VMPROF_PHASE_INTERPRETING
                         ? VMPROF_PHASE_COMPILED
                         : phase);
}

#endif
