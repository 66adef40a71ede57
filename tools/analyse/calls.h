/* SPDX-License-Identifier: MIT */

/*
 * The call tree with frames of equal label folded together: the reader's nodes
 * differ by the instruction of every frame, a person asks for less.
 */
#ifndef ANALYSE_CALLS_H
#define ANALYSE_CALLS_H

#include "labels.h"
#include "tree.h"

struct call {
    uint32_t parent; /* below its own index; 0 is the root */
    uint32_t label;
    uint32_t first_child, next_sibling; /* 0: none */
    uint64_t self_ns, total_ns, samples;
};

struct calls {
    struct call *calls;
    uint32_t count;
};

/* One label's time. */
struct row {
    uint32_t label;
    uint64_t self_ns;
    uint64_t total_ns; /* each sample once, also under recursion */
    uint64_t samples;  /* of self */
};

struct rows {
    struct row *rows;
    uint32_t count;
};

/* Each returns 0 or -ENOMEM. */
int
calls_make(struct calls *calls, const struct profile *profile,
           const struct tree *tree, const struct labels *labels);
int
rows_make(struct rows *rows, const struct calls *calls,
          const struct labels *labels);

enum row_order {
    BY_SELF,
    BY_TOTAL
};

void
rows_sort(struct rows *rows, enum row_order order);

/* Put the children of every call in the order of falling totals. */
int
calls_sort(struct calls *calls);

void
calls_free(struct calls *calls);
void
rows_free(struct rows *rows);

/*
 * CPU time of threads that no sample stands for: what they used after their
 * last one, or while sampling was paused. 0 in wall mode.
 */
uint64_t
unsampled_ns(const struct profile *profile, const struct tree *tree);
uint64_t
thread_unsampled_ns(const struct profile *profile, const struct tree *tree,
                    uint32_t thread);

#endif
