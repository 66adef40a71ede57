/* SPDX-License-Identifier: MIT */

/* Taking one sample of a thread. Signal context. */
#ifndef VMP_SAMPLE_H
#define VMP_SAMPLE_H

#include "../thread.h"

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

/* The calling thread's stack, laid out for a record of it. */
void
vmp_look_at_stack(const struct vmp_thread *thread, struct vmp_window *window);

/*
 * Record that stack as a sample of `weight_ns` at `now_ns`, whose state is one
 * of enum vmp_sample_state. Returns false if there was no room, which is
 * counted; the next sample then has its time.
 */
bool
vmp_record_stack(struct vmp_thread *thread, const struct vmp_window *window,
                 uint64_t now_ns, uint64_t weight_ns, unsigned state);

/*
 * Time up to `until_ns` that no sample was taken of: it is charged to so many outer
 * frames of the last record, with a frame of `kind` on top (enum vmp_frame_kind). The
 * innermost of them may have gone on: it is told as it was all the time. It is
 * neither a sample nor an expiration in the counters. Goes before the sample that
 * follows. Returns false if there was no room: then nothing has changed.
 */
bool
vmp_put_gap(struct vmp_thread *thread, unsigned kind, uint32_t lasting,
            uint64_t cut, const struct vmp_sampled_frame *innermost,
            uint64_t until_ns, uint64_t weight_ns);

/* The same under those frames of the window which were active ever since that record. */
bool
vmp_record_gap(struct vmp_thread *thread, const struct vmp_window *window,
               unsigned kind, uint64_t until_ns, uint64_t weight_ns);

/*
 * A tick on the calling thread: record its shadow stack or what the VM reads, or
 * ask its walker.
 * Counts what happened. Returns false if the period is not over: then the clock
 * goes on by itself, and is not to be rearmed.
 */
bool
vmp_tick(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns);

/* Let the time up to now be nobody's: sampling is paused. */
void
vmp_leave_out(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns);

/* Room for a record with `added` frames of `frame_size`; counts if none. */
struct vmp_record *
vmp_reserve_record(struct vmp_thread *thread, size_t added, size_t frame_size);

/* Count a record and hand it to the writer. */
void
vmp_commit_record(struct vmp_thread *thread, struct vmp_record *record);

#endif
