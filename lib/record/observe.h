/* SPDX-License-Identifier: MIT */

/* One look at the stack of a running thread. */
#ifndef VMP_OBSERVE_H
#define VMP_OBSERVE_H

#include "thread.h"

/*
 * Record the stack of another thread; under both locks. Counts what happened.
 * `can_ask`: the caller has a table of descriptors of its own. A thread that may
 * have lost its CPU or sleep is unsure after the first look, and wants another in
 * a moment.
 */
void
vmp_observe(struct vmp_thread *thread, uint64_t now_ns, bool can_ask);

/* Likewise, let the clock of a thread that rests tick now, if it has gone on. */
void
vmp_look_for_work(struct vmp_thread *thread, uint64_t now_ns, bool can_ask);

/* Let the time up to now be nobody's: sampling is paused. */
void
vmp_skip(struct vmp_thread *thread, uint64_t now_ns);

#endif
