/* SPDX-License-Identifier: MIT */

#include "jit_profile.h"

#include "interp.h"
#include "jit_trace.h"

#include <stdatomic.h>

void
jit_profile_reserve(struct jit_trace *trace)
{
    static atomic_uint last;
    unsigned count = (unsigned)trace->guard_count + 1;

    trace->id = atomic_fetch_add(&last, count) + 1;
    trace->first_guard = trace->id + 1;
}

void
jit_profile_register(struct jit_trace *trace)
{
    (void)trace;
}

void
jit_profile_stitch(const struct jit_guard *guard)
{
    (void)guard;
}

void
jit_profile_unregister(const struct jit_trace *trace)
{
    (void)trace;
}

void
jit_profile_abort(const struct jit_trace *trace, const char *reason)
{
    (void)trace, (void)reason;
}

void
jit_edge(struct jit *jit, enum jit_edge edge, struct jit_trace *trace,
         struct jit_guard *guard, bool is_inner)
{
    (void)is_inner;
    if (jit->truth)
        jit_truth_edge(jit->truth, edge, trace, guard);
}

size_t
jit_profile_emit(enum jit_edge edge, const struct jit_trace *trace,
                 const struct jit_guard *guard, bool is_inner, uint8_t *code)
{
    (void)edge, (void)trace, (void)guard, (void)is_inner, (void)code;
    return 0;
}
