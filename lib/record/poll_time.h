/* SPDX-License-Identifier: MIT */

/*
 * The time as polls look at it: by the machine's counter, which takes half as
 * long to read as the clock and does not wait for what is under way. The clock
 * says how long its ticks are, is read every now and then, and alone where the
 * two do not go together. On the owning thread.
 */
#ifndef VMP_POLL_TIME_H
#define VMP_POLL_TIME_H

#include <stdint.h>

#include <vmprof/jit.h>

#include "../os/clock.h"

/* All zero reads the clock. */
struct vmp_poll_time {
    uint64_t ticks, ns;   /* of both, when they were read together last */
    double ns_per_tick;   /* 0: the clock is to be read */
    unsigned differences; /* how often the two did not go together */
};

static inline uint64_t
vmp_poll_time_look(const struct vmp_poll_time *time)
{
    if (!(time->ns_per_tick > 0))
        return vmp_now_ns(CLOCK_MONOTONIC);
    return time->ns + (uint64_t)(int64_t)((double)(int64_t)(vmprof_jit_ticks() -
                                                            time->ticks) *
                                          time->ns_per_tick);
}

/* Read both. Returns what the clock says. */
uint64_t
vmp_poll_time_set(struct vmp_poll_time *time);

#endif
