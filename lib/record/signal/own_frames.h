/* SPDX-License-Identifier: MIT */

/* Samples of threads whose VM has frames of its own. Signal context. */
#ifndef VMP_OWN_FRAMES_H
#define VMP_OWN_FRAMES_H

#include "../thread.h"

/*
 * What a sample at `now_ns` and `cpu_ns` stands for. In wall mode a thread is
 * asked while it is on a CPU: how long it was not is known, where it was then is
 * not, and that is recorded first, without a stack.
 */
uint64_t
vmp_weigh_own_frames(struct vmp_thread *thread, uint64_t now_ns,
                     uint64_t cpu_ns);

/* Room for a record with `count` frames of `frame_size`; counts if none. */
struct vmp_record *
vmp_reserve_own_frames(struct vmp_thread *thread, enum vmp_record_type type,
                       size_t count, size_t frame_size);

/* Give a record its time and weight, and hand it to the writer. */
void
vmp_commit_own_frames(struct vmp_thread *thread, struct vmp_record *record,
                      uint64_t now_ns, uint64_t cpu_ns, uint64_t weight_ns);

/* Record what the VM's function reads at a tick. */
void
vmp_read_own_frames(struct vmp_thread *thread, uint64_t now_ns,
                    uint64_t cpu_ns);

#endif
