/* SPDX-License-Identifier: MIT */

/* What passed in the kernel before a walker answers. */
#ifndef VMP_WALKED_H
#define VMP_WALKED_H

#include <vmprof/sampler.h>

#include "../thread.h"

/*
 * Record what passed in the kernel, where perf does not tick, of the `weight_ns` up to
 * an answer: under the frames that were active since the last one. Goes before the
 * record of the answer. Returns how much it is.
 */
uint64_t
vmp_tell_system_time(struct vmp_thread *thread,
                     const struct vmprof_walked_frame *frames, uint32_t count,
                     uint64_t cut, uint64_t now_ns, uint64_t weight_ns);

/* Remember what was recorded of an answer. */
void
vmp_mark_walk(struct vmp_thread *thread,
              const struct vmprof_walked_frame *frames, uint32_t count,
              uint64_t cut);

/* What was asked of a walker that will not answer any more, and what was due in the
 * kernel before. */
void
vmp_give_up_request(struct vmp_thread *thread);

#endif
