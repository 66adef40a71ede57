/* SPDX-License-Identifier: MIT */

/* What a thread that samples itself at polls keeps. */
#ifndef VMP_POLL_H
#define VMP_POLL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pace.h"
#include "poll_time.h"
#include "signal/deadline.h"

enum {
    /* A tick takes no longer, from when it is due to the end of our handler. */
    VMP_TICK_NS = 50 * 1000,
};

struct vmp_poll {
    /* The session that polls take samples for, 0: none. Set by whoever makes
     * the thread a part of it. */
    atomic_uint session;
    atomic_bool sampling; /* the thread is busy with a sample of a poll */

    /* The owning thread's and its handler's. */
    unsigned joined; /* the session that all below is of */
    uint64_t interval_ns;
    uint64_t look_ns;  /* when the time was looked at last */
    uint64_t exact_ns; /* when the CPU time was read last */
    int64_t used_ns;   /* how much of it there was then since the last sample */
    uint64_t from_ns;  /* when the last ended that polls know of */
    uint64_t due_ns;   /* when the next sample is due, if the thread runs */
    uint64_t period_ns; /* the CPU time after which it is */
    uint64_t cost_ns;   /* of a look */
    unsigned turns;     /* samples */
    int64_t polls;      /* from the last look to the next */
    int64_t rest;       /* of them, not given to the VM yet */
    bool missed;        /* polls were too far apart since the last tick */
    unsigned ticks;     /* since the last look */
    unsigned rests;     /* the ticks' period is doubled so often */
    struct vmp_deadline deadline;
    struct vmp_pace pace;
    struct vmp_poll_time time;
};

/* How long it may take to the next poll where polls are said to come. What takes
 * less is for the poll that follows. */
static inline uint64_t
vmp_poll_gap(const struct vmp_poll *poll)
{
    const uint64_t least_ns = 100 * 1000, gap_ns = 2 * poll->interval_ns;

    return gap_ns < least_ns ? least_ns : gap_ns;
}

/* From when a sample is due to its deadline: where a poll is about to take it, the
 * tick is not to come before. */
static inline uint64_t
vmp_poll_slack(const struct vmp_poll *poll)
{
    const uint64_t least_ns = 4000, most_ns = poll->interval_ns / 4,
                   polls_ns = 4 * (uint64_t)poll->pace.average_ns;

    return least_ns + (polls_ns < most_ns ? polls_ns : most_ns);
}

#endif
