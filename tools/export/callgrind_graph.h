/* SPDX-License-Identifier: MIT */

/* Functions and the calls between them: exact ones, or what samples tell. */
#ifndef EXPORT_CALLGRIND_GRAPH_H
#define EXPORT_CALLGRIND_GRAPH_H

#include "../read/profile.h"

struct graph_function {
    const char *name, *file;
    uint32_t line; /* where it begins; 0: unknown */
    uint64_t self_ns, calls;
};

struct graph_edge {
    uint32_t caller, callee; /* indexes */
    uint64_t calls, inclusive_ns;
};

struct graph {
    struct graph_function *functions;
    struct graph_edge *edges; /* those of a caller lie together */
    uint32_t function_count, edge_count;
};

/* From calls that were counted; from samples, each of which is one way down the
 * tree. Return 0 or -ENOMEM. */
int
graph_of_calls(struct graph *graph, const struct profile *profile);

struct tree;
int
graph_of_samples(struct graph *graph, const struct profile *profile,
                 const struct tree *tree);

void
graph_free(struct graph *graph);

#endif
