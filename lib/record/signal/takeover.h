/* SPDX-License-Identifier: MIT */

/* Whether and how often threads that poll get ticks. Signal context. */
#ifndef VMP_TAKEOVER_H
#define VMP_TAKEOVER_H

#include "../thread.h"

/* Whether the thread takes samples at its polls. */
bool
vmp_samples_itself(const struct vmp_thread *thread);

/* Whether the thread samples itself, and did look at the time of late: then a
 * tick has nothing to do. */
bool
vmp_polls_come(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns);

/* How long until the next tick. */
uint64_t
vmp_tick_period(struct vmp_thread *thread, bool polls_come);

#endif
