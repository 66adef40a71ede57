/* SPDX-License-Identifier: MIT */

/* What layers gathered, brought into order: calls by callee, lines by file. */
#ifndef ANALYSE_GATHERED_H
#define ANALYSE_GATHERED_H

#include "../read/profile.h"

/* A function of a call graph, and the edges to it. */
struct called {
    uint32_t code;
    uint32_t first, count; /* of the edges, the most calls first */
    uint64_t calls, resumes, self_ns, inclusive_ns;
};

struct call_graph {
    struct called *functions; /* the most time, or calls, first */
    struct call_edge *edges;  /* those of a function lie together */
    uint32_t count;
    bool has_times;
};

/* Returns 0 or -ENOMEM. */
int
call_graph_build(struct call_graph *graph, const struct profile *profile);
void
call_graph_free(struct call_graph *graph);

/* All lines of the profile by file, code and line; to be freed. NULL: no
 * memory. */
struct covered_line *
lines_by_file(const struct profile *profile);

/* The end of the run of lines, from `first`, that are of one file. */
uint32_t
end_of_file(const struct profile *profile, const struct covered_line *lines,
            uint32_t first);

/* Lines of one file, each once: returns the next one after `line`, and whether
 * it has run in any of its codes; 0: there is none. */
uint32_t
next_line(const struct covered_line *lines, uint32_t count, uint32_t line,
          bool *has_run);

/* Of one file; `known` is 0 if it is only known what has run. */
struct file_sums {
    uint32_t run, known;
};
void
sum_file(const struct covered_line *lines, uint32_t count,
         struct file_sums *sums);

#endif
