/* SPDX-License-Identifier: MIT */

/*
 * What a VM was doing when: its phases in a few hundred bins, which get wider
 * as time goes on, so that memory is bounded.
 */
#ifndef ANALYSE_TIMELINE_H
#define ANALYSE_TIMELINE_H

#include "tree.h"

enum {
    TIMELINE_BINS = 256,
};

/* Zeroed is an empty one. */
struct timeline {
    uint64_t width_ns; /* of a bin; 0: there is nothing yet */
    uint32_t count;    /* bins that are used */
    double bins[TIMELINE_BINS][PHASE_COUNT]; /* time in each phase */
};

/* So much time in a phase, evenly from one moment to another. */
void
timeline_add(struct timeline *timeline, uint32_t phase, uint64_t from_ns,
             uint64_t to_ns, uint64_t time_ns);

/*
 * When compiled code has taken over: the begin of the first bin of which that
 * share is compiled, as it is of all from there to the end. False: it never has.
 */
bool
timeline_compiled_from(const struct timeline *timeline, double share,
                       uint64_t *from_ns);

#endif
