/* SPDX-License-Identifier: MIT */

/* Traces in the stacks of a session's file. The writer's alone. */
#ifndef VMP_JIT_FOLLOW_H
#define VMP_JIT_FOLLOW_H

#include "tell.h"

/* The node of the trace of a record, on top of the record's innermost VM frame
 * at `top`, whose parent is `beneath`; `top` if nothing is known of it, or
 * -ENOMEM. */
int64_t
vmp_follow_trace(struct vmp_telling *telling, const struct vmp_record *record,
                 uint32_t top, uint32_t beneath);

#endif
