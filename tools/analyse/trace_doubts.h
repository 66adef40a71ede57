/* SPDX-License-Identifier: MIT */

/* Whether what events and samples say of a trace agrees, and if not, why. */
#ifndef ANALYSE_TRACE_DOUBTS_H
#define ANALYSE_TRACE_DOUBTS_H

#include "jit_reading.h"

/* Bits. */
enum trace_doubt {
    DOUBT_SHORT = 1,     /* segments of but a few probes */
    DOUBT_LOST = 2,      /* events were lost */
    DOUBT_SILENT = 4,    /* the trace's edges make no events */
    DOUBT_FEW = 8,       /* samples: chance alone could be it */
    DOUBT_WALL = 16,     /* samples count waiting, events do not */
    DOUBT_UNTIMED = 32,  /* nothing tells the time of events */
    DOUBT_WAITED = 64,   /* for as long as a part of the time that counts */
    DOUBT_UNKNOWN = 128, /* none of these */
    DOUBTS = 8,          /* how many there are */
};

/* What was read. Traces need not be the profile's any more. */
struct doubted {
    const struct jit_reading *reading;
    const struct trace_times *times;
    const struct traces *traces;
    const struct profile *profile;
};

/*
 * By how many points of its share they differ, with its bridges and without
 * what it calls (that of events is more: > 0). False: one of the two is not
 * there. `doubts` is 0 where they agree within three points.
 */
bool
trace_difference(const struct doubted *doubted, uint32_t trace, double *points,
                 unsigned *doubts);

/* "segments shorter than five probes", for the number of a bit. */
const char *
trace_doubt_words(unsigned bit);

/* The same as a key. */
const char *
trace_doubt_key(unsigned bit);

#endif
