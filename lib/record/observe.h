/* SPDX-License-Identifier: MIT */

/* One look at the stack of a running thread. */
#ifndef VMP_OBSERVE_H
#define VMP_OBSERVE_H

#include "thread.h"

/*
 * Record the stack of another thread; under both locks. Counts what happened.
 * `can_ask`: the caller has a table of descriptors of its own.
 */
void
vmp_observe(struct vmp_thread *thread, uint64_t now_ns, bool can_ask);

/* Let the time up to now be nobody's: sampling is paused. */
void
vmp_skip(struct vmp_thread *thread, uint64_t now_ns);

#endif
