/* SPDX-License-Identifier: MIT */

/* One look at the stack of a running thread. */
#ifndef VMP_OBSERVE_H
#define VMP_OBSERVE_H

#include "activity.h"

/*
 * Record the stack of another thread; under both locks. Counts what happened. One
 * that is unsure afterwards wants another look in a moment.
 */
void
vmp_observe(struct vmp_watch *watch, struct vmp_thread *thread);

/* Likewise, let the clock of a thread that rests tick now, if it has gone on. */
void
vmp_look_for_work(struct vmp_watch *watch, struct vmp_thread *thread);

/* Likewise, record the stack of a thread whose tick is overdue since it is in the
 * kernel; or leave its time out, if sampling is paused. */
void
vmp_observe_in_kernel(struct vmp_watch *watch, struct vmp_thread *thread,
                      bool paused);

/* Let the time up to now be nobody's: sampling is paused. */
void
vmp_skip(const struct vmp_watch *watch, struct vmp_thread *thread);

#endif
