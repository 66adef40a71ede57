/* SPDX-License-Identifier: MIT */

/* Taking one sample of a thread. Signal context. */
#ifndef VMP_SAMPLE_H
#define VMP_SAMPLE_H

#include "../thread.h"

/* A part of a whole stack that is to be recorded. */
struct vmp_window {
    struct vmp_segment segments[VMP_MAX_SEGMENTS];
    unsigned segment_count;
    size_t skip;       /* outer frames of the segments that are left out */
    uint64_t cut;      /* outer frames left out in all */
    uint32_t count;    /* frames left in */
    uint32_t keep;     /* of these, the outer ones that the last record held */
    bool leaf_missing; /* the innermost stack is overfull */
};

/*
 * Collect the stacks that make up a thread's whole stack. `top` is where the
 * innermost one ends. What is beyond VMP_MAX_SEGMENTS, the outermost, is cut.
 */
void
vmp_window_open(struct vmp_window *window, const struct vmprof_stack *innermost,
                const struct vmprof_frame *top);

/* Lay out what to record: at most `max_frames`, without what is known. */
void
vmp_window_fit(struct vmp_window *window, const struct vmp_last_sample *last,
               size_t max_frames);

/* Frame `i` of a window, from the outermost that is left in. */
const struct vmprof_frame *
vmp_window_frame(const struct vmp_window *window, size_t i);

/* Leave out inner frames: `count` are left in. */
void
vmp_window_trim(struct vmp_window *window, uint32_t count);

/* Remember a window as what the last record held; links from `keep` on. */
void
vmp_window_remember(const struct vmp_window *window,
                    struct vmp_last_sample *last);

/*
 * A tick on the calling thread: record its shadow stack or what the VM reads, or
 * ask its walker.
 * Counts what happened.
 */
void
vmp_tick(struct vmp_thread *thread, uint64_t now_ns);

/* The next period around `interval_ns`: from half to one and a half of it. */
uint64_t
vmp_jitter(struct vmp_thread *thread, uint64_t interval_ns);

/* Room for a record with `added` frames of `frame_size`; counts if none. */
struct vmp_record *
vmp_reserve_record(struct vmp_thread *thread, size_t added, size_t frame_size);

/* Count a record and hand it to the writer. */
void
vmp_commit_record(struct vmp_thread *thread, const struct vmp_record *record);

#endif
