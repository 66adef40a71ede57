/* SPDX-License-Identifier: MIT */

/*
 * The weights of a profile, summed by stack: what reports and exports start
 * from. Fill it by passing tree_add() to profile_read().
 */
#ifndef ANALYSE_TREE_H
#define ANALYSE_TREE_H

#include "../read/profile.h"

enum {
    PHASE_COUNT = 8, /* enum vmprof_phase; higher ones of a file count as 0 */
};

struct cell {
    uint64_t self_ns;
    uint64_t samples;
};

/* One thread's sums. Arrays have `node_count` members. */
struct thread_tree {
    struct cell *self;   /* by node */
    uint32_t node_count; /* may be less than the profile's */
    uint64_t off_cpu_ns; /* of self, summed over all nodes */
    uint64_t total_ns, samples;
    struct cell phases[PHASE_COUNT];
};

struct tree {
    struct thread_tree *threads; /* by thread index */
    uint32_t thread_count;
    struct cell *self; /* by node, all threads; tree_finish() fills it */
    uint64_t
        *total_ns; /* by node: self and all below; tree_finish() fills it */
    uint32_t node_count;
    uint64_t sum_ns, samples, off_cpu_ns;
    struct cell phases[PHASE_COUNT];
};

/* A batch_function; `user` is a zeroed struct tree. */
int
tree_add(void *user, const struct profile *profile, const struct batch *batch);

/* Once, after the reading. Returns 0 or -ENOMEM. */
int
tree_finish(struct tree *tree, const struct profile *profile);

void
tree_free(struct tree *tree);

#endif
