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

/* One stack of one thread. */
struct node_cell {
    uint32_t node;
    struct cell self;
};

/*
 * One thread's sums. There may be very many threads, each with few stacks, so
 * this holds only the stacks that the thread had.
 */
struct thread_tree {
    struct node_cell *cells; /* after tree_finish(): in the order of nodes */
    uint32_t cell_count;
    uint32_t capacity;         /* private: of the hash table cells was */
    uint64_t off_cpu_ns;       /* of all stacks */
    struct cell empty_off_cpu; /* of node 0, the empty stack */
    uint64_t leaf_missing;     /* samples */
    uint64_t total_ns, samples;
    struct cell phases[PHASE_COUNT];
};

struct tree {
    struct thread_tree *threads; /* by thread index */
    uint32_t thread_count, thread_capacity;
    struct cell *self; /* by node, all threads; tree_finish() fills it */
    uint64_t
        *total_ns; /* by node: self and all below; tree_finish() fills it */
    uint32_t node_count;
    uint64_t sum_ns, off_cpu_ns, leaf_missing;
    uint64_t samples; /* no entries of "[system calls]" and "[no poll]" */
    struct cell empty_off_cpu;
    struct cell phases[PHASE_COUNT];
    const char *only_thread; /* others were left out; NULL: none was */
    bool partial;            /* some samples were left out */
};

/* Whether the thread was not left out. */
bool
tree_has_thread(const struct tree *tree, const struct profile *profile,
                uint32_t thread);

/* A batch_function; `user` is a zeroed struct tree. */
int
tree_add(void *user, const struct profile *profile, const struct batch *batch);

/* Once, after the reading. Returns 0 or -ENOMEM. */
int
tree_finish(struct tree *tree, const struct profile *profile);

void
tree_free(struct tree *tree);

#endif
