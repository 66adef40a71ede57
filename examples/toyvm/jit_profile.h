/* SPDX-License-Identifier: MIT */

/* What the JIT tells the profiler: which traces there are, and when control
 * goes from one to another. */
#ifndef TOY_JIT_PROFILE_H
#define TOY_JIT_PROFILE_H

#include "jit_truth.h"

#include <stdbool.h>

struct jit_trace;

/* Ids, before it is compiled. */
void
jit_profile_reserve(struct jit_trace *trace);

void
jit_profile_register(struct jit_trace *trace);

/* A guard goes to its bridge now, or does not any more. */
void
jit_profile_stitch(const struct jit_guard *guard);

void
jit_profile_unregister(const struct jit_trace *trace);

void
jit_profile_abort(const struct jit_trace *trace, const char *reason);

/* An edge that C code takes. Guard: of an exit, or NULL. Inner: between a loop
 * and a bridge that comes back to it. */
void
jit_edge(struct jit *jit, enum jit_edge edge, struct jit_trace *trace,
         struct jit_guard *guard, bool is_inner);

enum {
    JIT_PROFILE_EDGE_MAX = 256, /* bytes */
};

/* An edge that machine code takes, with the thread's record in r13. Returns how
 * many bytes it wrote. */
size_t
jit_profile_emit(enum jit_edge edge, const struct jit_trace *trace,
                 const struct jit_guard *guard, bool is_inner, uint8_t *code);

#endif
