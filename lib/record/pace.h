/* SPDX-License-Identifier: MIT */

/* How many polls to let pass before the next look at the time. */
#ifndef VMP_PACE_H
#define VMP_PACE_H

#include <stdint.h>

/* All zero knows nothing yet. */
struct vmp_pace {
    double polls, spent_ns; /* of late: how many came in how much time */
    double peak_ns;         /* the longest between two, of late */
    unsigned looks;         /* since the last sample */
};

enum {
    VMP_MOST_POLLS = 65536,
};

/* So many polls came in so much time: at least 1. */
void
vmp_pace_learn(struct vmp_pace *pace, int64_t polls, uint64_t spent_ns,
               uint64_t interval_ns);

/*
 * How many polls may come until the time is looked at again, when a sample is
 * due in `left_ns`: from 1 to VMP_MOST_POLLS. It counts as a look.
 */
int64_t
vmp_pace_next(struct vmp_pace *pace, uint64_t left_ns, uint64_t interval_ns);

#endif
