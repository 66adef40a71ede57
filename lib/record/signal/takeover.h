/* SPDX-License-Identifier: MIT */

/* Whether and how often threads that poll get ticks. Signal context. */
#ifndef VMP_TAKEOVER_H
#define VMP_TAKEOVER_H

#include "../thread.h"

/* Frames of these kinds are polled for right before they are left, so the time up
 * to then is theirs. */
static inline bool
vmp_is_polled_at_end(const struct vmprof_frame *frame)
{
    const uint64_t kind = frame->code >> VMP_KIND_SHIFT;

    return kind == VMPROF_KIND_NATIVE || kind == VMPROF_KIND_GC ||
           kind == VMPROF_KIND_JITTING;
}

/*
 * How much of what it has used since its last sample such a frame is to be charged
 * with: up to the last moment that was due, as if it had polled then. What comes
 * after is the next sample's, like what came before its begin was its own. 0 if none
 * was due; else poll.period_ns is the next period.
 */
uint64_t
vmp_due_at_end(struct vmp_thread *thread, uint64_t used_ns);

/* That a tick which came so much later than it was set to takes a sample, if it is of
 * a thread that polls: the next is due a period after it. */
void
vmp_take_over(struct vmp_thread *thread, uint64_t cpu_ns, uint64_t late_ns);

/* That a sample of `now_ns`, if there was one, left so much to the next. */
void
vmp_leave_rest(struct vmp_thread *thread, uint64_t now_ns, uint64_t left_ns);

/* Whether the thread takes samples at its polls. */
bool
vmp_samples_itself(const struct vmp_thread *thread);

/* Whether the thread samples itself, and did look at the time of late: then a
 * tick has nothing to do. */
bool
vmp_polls_come(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns);

/* How long until the next tick. */
uint64_t
vmp_tick_period(struct vmp_thread *thread, bool polls_come, uint64_t now_ns,
                uint64_t cpu_ns);

#endif
