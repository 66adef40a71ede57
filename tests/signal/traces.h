/* SPDX-License-Identifier: MIT */

/* Traces at pieces of one machine code, and ticks in them. */
#ifndef TRACES_H
#define TRACES_H

#include <vmprof/trace.h>

#include "interrupted.h"

enum {
    PIECE = 256, /* of machine code, that each trace has */
    PIECES = 64,
    TRACE = 6, /* kind of frame */
};

static unsigned char machine_code[PIECES * PIECE];
static struct vmprof_thread *thread;
static vmprof_code_id outer;

static inline void
attach(void)
{
    require(vmprof_attach_thread(NULL, &thread) == 0);
    outer = code_named("outer");
}

static inline struct vmprof_trace
loop_in(unsigned piece)
{
    struct vmprof_trace trace;

    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.address = machine_code + piece * PIECE;
    trace.length = PIECE;
    trace.code = outer;
    return trace;
}

static inline struct vmprof_reserved_trace
register_loop(unsigned piece)
{
    const struct vmprof_trace trace = loop_in(piece);
    struct vmprof_reserved_trace reserved;

    require(vmprof_reserve_trace(0, &reserved) == 0);
    require(vmprof_register_trace(reserved.id, &trace) == 0);
    return reserved;
}

static inline void
tick_at(const void *address)
{
    tick_interrupted(thread, address);
}

static inline const struct decoded_frame *
leaf_of(const struct decoded *d, size_t sample)
{
    require(sample < d->sample_count);
    return &d->frames[d->nodes[d->samples[sample].node].frame];
}

/* The innermost frame of a sample is a trace's, at an offset or -1, and the
 * next is the VM's. */
static inline void
require_trace(const struct decoded *d, size_t sample, vmprof_jit_id id,
              int64_t offset)
{
    const struct decoded_frame *const leaf = leaf_of(d, sample);
    uint32_t frames[4];

    require(leaf->kind == TRACE);
    require(leaf->code / 4 == id);
    require(leaf->has_offset == (offset >= 0));
    require(leaf->offset == (offset >= 0 ? (uint64_t)offset : 0));
    require(d->samples[sample].phase == VMPROF_PHASE_COMPILED);
    require(decoded_stack(d, d->samples[sample].node, frames, 4) == 2);
    require(d->frames[frames[0]].code == outer);
    require(decoded_trace(d, id) != NULL);
}

#endif
