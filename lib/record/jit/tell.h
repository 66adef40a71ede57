/* SPDX-License-Identifier: MIT */

/* What a session's file is told of traces. The writer's alone. */
#ifndef VMP_JIT_TELL_H
#define VMP_JIT_TELL_H

#include "../../format/encoder.h"
#include "../ring.h"
#include "traces.h"

struct vmp_telling {
    struct vmp_encoder *encoder;
    uint64_t start_ns; /* of the session, on CLOCK_MONOTONIC */
    bool has_chunks;   /* a vmprof log has no place for traces, only frames */
    unsigned gone;     /* traces, before the round that a log is in */
};

/* A session's file begins, or what was told last is its end. */
void
vmp_tell_open(const struct vmp_telling *telling);
void
vmp_tell_close(void);

/* Write what is new of traces, so that what is written next may name them. */
void
vmp_tell_news(struct vmp_telling *telling);

/* Around a round of emptying rings: stacks of a log need what is known of traces
 * until samples that were taken before they were gone are written. */
void
vmp_tell_begin(struct vmp_telling *telling);
void
vmp_tell_end(struct vmp_telling *telling);

/* Write counts that have changed. */
void
vmp_tell_counts(struct vmp_telling *telling, uint64_t time_ns);

/* The index of the frame of a trace, as a record has it, which is told first if
 * it has not been; 0: nobody knows of it; or -ENOMEM. */
int64_t
vmp_tell_frame(struct vmp_telling *telling, uint64_t running);

#endif
