/* SPDX-License-Identifier: MIT */

/*
 * What a profile says of its JIT, summed while it is read: pass
 * jit_reading_batch() and jit_reading_options() to profile_read().
 */
#ifndef ANALYSE_JIT_READING_H
#define ANALYSE_JIT_READING_H

#include "trace_heat.h"
#include "trace_phases.h"
#include "trace_times.h"

struct jit_reading {
    struct trace_events events;
    struct trace_events nested; /* of it the folded, where calls nest: what
                                   samples can be compared with */
    struct trace_phases phases;
    struct trace_heat heat;
    struct tree *tree;
    uint64_t probe_ns;  /* what an event took, as was said or by the file;
                           0: it has none */
    uint64_t nested_ns; /* of all traces and the interpreter */
    bool calls_differ;  /* traces have the time of others that they called */
};

/* The tree is the caller's, zeroed. */
void
jit_reading_open(struct jit_reading *reading, struct tree *tree,
                 enum inner_policy inner, enum call_policy call);

/* What an event took, which is taken off each stretch; 0: only what the file
 * tells of it, and stretches stay whole. Before the reading. */
void
jit_reading_probe(struct jit_reading *reading, uint64_t probe_ns);

/* What it needs beside what is set. */
void
jit_reading_options(struct jit_reading *reading, struct read_options *options);

/* A batch_function; `user` is a struct jit_reading. */
int
jit_reading_batch(void *user, const struct profile *profile,
                  const struct batch *batch);

/* After the reading, when tree_finish() was called. Returns 0 or -ENOMEM. */
int
jit_reading_finish(struct jit_reading *reading, struct trace_times *times,
                   const struct profile *profile);

void
jit_reading_free(struct jit_reading *reading);

#endif
