/* SPDX-License-Identifier: MIT */

/*
 * What --jit-truth writes: every trace, how often control went from which to
 * which, and the time in each, by a count and a clock of its own at each edge.
 * It knows nothing of the profiler, so the two can be compared.
 */
#ifndef TOY_JIT_TRUTH_H
#define TOY_JIT_TRUTH_H

#include "jit.h"

#include <stdio.h>

struct jit_trace;
struct jit_guard;

enum jit_edge {
    JIT_EDGE_ENTER,  /* the interpreter goes into this trace */
    JIT_EDGE_JUMP,   /* another trace does */
    JIT_EDGE_EXIT,   /* this trace goes back to the interpreter */
    JIT_EDGE_CALL,   /* this trace calls another one */
    JIT_EDGE_RETURN, /* and goes on */
};

/* Of one thread. */
struct jit_truth;

struct jit_truth *
jit_truth_start(const char *thread, enum jit_truth_clock clock);

/* A guard only for an exit through one, else NULL. Compiled code calls it. */
void
jit_truth_edge(struct jit_truth *truth, enum jit_edge edge,
               struct jit_trace *trace, struct jit_guard *guard);

/* Keep a thread's to be printed. */
void
jit_truth_stop(struct jit *jit);

/* One line of JSON; frees all that was kept. */
void
jit_truth_print(FILE *file);

#endif
