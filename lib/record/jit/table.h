/* SPDX-License-Identifier: MIT */

/* What the files of the registry share, and they alone. All of it is under
 * vmp_traces_lock(). */
#ifndef VMP_JIT_TABLE_H
#define VMP_JIT_TABLE_H

#include "traces.h"

/* The trace of an id; and the one that an id belongs to, its own or a guard's.
 * NULL: there is none. */
struct vmp_trace *
vmp_trace_find(vmprof_jit_id id);
struct vmp_trace *
vmp_trace_owner(vmprof_jit_id id);

static inline bool
vmp_trace_is_registered(const struct vmp_trace *trace)
{
    return trace && trace->state == VMP_TRACE_REGISTERED;
}

/* Give a trace its id and those of its guards. Returns 0, -ENOSPC or -ENOMEM. */
int
vmp_trace_add(struct vmp_trace *trace);

/* Of one that is in no table. */
void
vmp_trace_free(struct vmp_trace *trace);

/* There is news of it, bits of enum vmp_trace_news. */
void
vmp_trace_queue(struct vmp_trace *trace, unsigned news);

/* An abort without an id is only told to the file, under one that nobody else has;
 * or to nobody. Returns whether it was queued, and is somebody else's now. */
bool
vmp_trace_pass(struct vmp_trace *trace);

/* Free what nobody needs any more of a trace that is gone. */
void
vmp_trace_shrink(struct vmp_trace *trace);

#endif
