/* SPDX-License-Identifier: MIT */

/* How many polls to let pass before the next look at the time. */
#ifndef VMP_PACE_H
#define VMP_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    VMP_MOST_POLLS = 65536,
};

/*
 * All zero knows nothing yet. Times are those between two polls. How rarely they
 * come is the second highest average between two looks, out of a few dozen, for
 * an interrupt now and then is no reason to be careful.
 */
struct vmp_pace {
    double polls, spent_ns;  /* of late: how many came in how much time */
    double average_ns, rate; /* of one by the other, and the other way round */
    double slow_ns;          /* the highest of late */
    double highest_ns[2];    /* those of the window that is open */
    unsigned looks;          /* since the last sample */
    unsigned window;         /* and before it, in the window */

    /* Since the last that was not too brief to be judged by itself. */
    int64_t brief_polls, brief_ns;
};

/* So many polls came, at least 1, in so much time; less than none where a look
 * was quicker than they mostly are. */
void
vmp_pace_learn(struct vmp_pace *pace, int64_t polls, int64_t spent_ns,
               uint64_t interval_ns);

/* A sample was taken; and the highest are forgotten bit by bit. */
void
vmp_pace_begin(struct vmp_pace *pace);

/*
 * How many polls may come until the time is looked at again, when a sample is
 * due in `left_ns`: from 1 to VMP_MOST_POLLS. It counts as a look. With a deadline
 * a tick takes samples that polls come too rarely for.
 */
int64_t
vmp_pace_next(struct vmp_pace *pace, uint64_t left_ns, uint64_t interval_ns,
              bool has_deadline);

#endif
