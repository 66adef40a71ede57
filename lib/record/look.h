/* SPDX-License-Identifier: MIT */

/* Whether a look of the observer at a thread is due a sample, or a tick. Under both
 * locks. One that is unsure afterwards wants another look in a moment. */
#ifndef VMP_LOOK_H
#define VMP_LOOK_H

#include "activity.h"

/* At a thread that has no clock: record its stack, if that is due. Counts what
 * happened. */
void
vmp_look(struct vmp_watch *watch, struct vmp_thread *thread);

/* At one whose clock rests: let it tick now, if the thread has gone on. */
void
vmp_look_for_work(struct vmp_watch *watch, struct vmp_thread *thread);

/* At one that is much in the kernel: as at one without a clock, beside ticks of its
 * own, which tell whether it is there; or leave its time out, if sampling is paused. */
void
vmp_look_in_kernel(struct vmp_watch *watch, struct vmp_thread *thread,
                   bool paused);

/* Let the time up to now be nobody's: sampling is paused. */
void
vmp_look_past(const struct vmp_watch *watch, struct vmp_thread *thread);

#endif
