/* SPDX-License-Identifier: MIT */

/* Reading the stack of a running thread. */
#ifndef VMP_OBSERVE_H
#define VMP_OBSERVE_H

#include "activity.h"

/*
 * Record the stack of another thread at watch->now_ns, when its CPU time was
 * `cpu_ns`; under both locks. Returns false if none could be read, for it never stood
 * still as long as that takes.
 */
bool
vmp_observe(const struct vmp_watch *watch, struct vmp_thread *thread,
            enum vmp_record_type type, uint64_t cpu_ns);

#endif
