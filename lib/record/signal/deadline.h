/* SPDX-License-Identifier: MIT */

/* Whether a thread's samples need a deadline, after which a tick takes what no poll
 * has. */
#ifndef VMP_DEADLINE_H
#define VMP_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/* How late samples are that were taken in one way, in 256ths of a nanosecond. */
struct vmp_lateness {
    int64_t mean;  /* while there is no deadline */
    int64_t doubt; /* how much more it has to be until there is one; it fades */
};

/*
 * All zero knows nothing yet, and there is none. Looks at the time are so many polls
 * apart; where some code polls much more rarely than the rest, they pass it by. What
 * tells is how late the poll comes that takes a sample, on average. A thread that others
 * keep from its CPU is late, too, so it is tried: where ticks that come in time have
 * few samples left to take, deadlines end, and are not soon begun again. That is so of
 * long native functions, too, at whose ends it cannot be told what was due before they
 * began.
 */
struct vmp_deadline {
    bool is_set;    /* for the next sample */
    bool by_ends;   /* because of those */
    int32_t passed; /* samples that ticks took in time, of 65536 */
    uint32_t tried; /* samples that had one, so far */
    struct vmp_lateness polls, ends;
};

/* A poll took a sample, so late. */
void
vmp_deadline_kept(struct vmp_deadline *deadline, uint64_t late_ns);

/* The end of a native function did. */
void
vmp_deadline_kept_at_end(struct vmp_deadline *deadline, uint64_t late_ns);

/* A tick did, at the deadline or later; `in_time`: where a poll would have been too
 * late for it. */
void
vmp_deadline_passed(struct vmp_deadline *deadline, bool in_time);

#endif
