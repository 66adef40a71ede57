/* SPDX-License-Identifier: MIT */

/* Whether what events and samples say of a trace agrees, and if not, why. */
#ifndef ANALYSE_TRACE_DOUBTS_H
#define ANALYSE_TRACE_DOUBTS_H

#include "trace_times.h"

/* Bits. */
enum trace_doubt {
    DOUBT_SHORT = 1,    /* segments of but a few probes */
    DOUBT_LOST = 2,     /* events were lost */
    DOUBT_SILENT = 4,   /* the trace's edges make no events */
    DOUBT_FEW = 8,      /* samples: chance alone could be it */
    DOUBT_WALL = 16,    /* samples count waiting, events do not */
    DOUBT_UNTIMED = 32, /* nothing tells the time of events */
    DOUBT_UNKNOWN = 64, /* none of these */
    DOUBTS = 7,         /* how many there are */
};

/*
 * By how many points of its share they differ (that of events is more: > 0).
 * False: one of the two is not there. `doubts` is 0 where they agree within
 * three points.
 */
bool
trace_difference(const struct trace_times *times, const struct traces *traces,
                 const struct profile *profile, uint32_t trace, double *points,
                 unsigned *doubts);

/* "segments shorter than five probes", for the number of a bit. */
const char *
trace_doubt_words(unsigned bit);

/* The same as a key. */
const char *
trace_doubt_key(unsigned bit);

#endif
