/* SPDX-License-Identifier: MIT */

/* What libvmprof's handler calls at each tick. */
#ifndef RVM_FRAMES_H
#define RVM_FRAMES_H

#include <vmprof/sampler.h>

/* A vmprof_read_function. Signal context. */
size_t
rvm_read_frames(struct vmprof_thread *thread, void *context,
                struct vmprof_linked_frame *frames, size_t room, size_t *cut,
                void *user);

#endif
