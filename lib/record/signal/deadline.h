/* SPDX-License-Identifier: MIT */

/* Whether a thread's samples need a deadline, after which a tick takes what no poll
 * has. */
#ifndef VMP_DEADLINE_H
#define VMP_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * All zero knows nothing yet, and there is none. Looks at the time are so many polls
 * apart; where some code polls much more rarely than the rest, they pass it by. What
 * tells is how late the poll comes that takes a sample, on average. A thread that others
 * keep from its CPU is late, too, so it is tried: where ticks that come in time have
 * few samples left to take, deadlines end, and are not soon begun again.
 */
struct vmp_deadline {
    bool is_set;    /* for the next sample */
    int32_t passed; /* samples that ticks took in time, of 65536 */

    /* In 256ths of a nanosecond. */
    int64_t late;  /* those that polls took, on average, while there is none */
    int64_t doubt; /* how much more it has to be until there is one; it fades */
};

/* A poll took a sample, so late. */
void
vmp_deadline_kept(struct vmp_deadline *deadline, uint64_t late_ns);

/* A tick did, at the deadline or later. */
void
vmp_deadline_passed(struct vmp_deadline *deadline, bool in_time);

#endif
