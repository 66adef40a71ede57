/* SPDX-License-Identifier: MIT */

/* What a VM with a JIT was doing, and when: by its samples, and by its events. */
#ifndef ANALYSE_TRACE_PHASES_H
#define ANALYSE_TRACE_PHASES_H

#include "segments.h"
#include "timeline.h"

/* Zeroed, but for the policy, is a fresh one. */
struct trace_phases {
    enum call_policy call;
    struct timeline by_events, by_samples;
    uint64_t events_ns[PHASE_COUNT]; /* interpreting and compiled alone */
    uint64_t samples_ns[PHASE_COUNT];
    struct phase_thread *threads; /* private */
    uint32_t thread_capacity;
};

/* Returns 0 or -ENOMEM. */
int
trace_phases_event(struct trace_phases *phases, const struct profile *profile,
                   const struct jit_event *event);
void
trace_phases_batch(struct trace_phases *phases, const struct profile *profile,
                   const struct batch *batch);

void
trace_phases_free(struct trace_phases *phases);

#endif
