/* SPDX-License-Identifier: MIT */

/* Where in the machine code of each trace its samples were. */
#ifndef ANALYSE_TRACE_HEAT_H
#define ANALYSE_TRACE_HEAT_H

#include "tree.h"

struct heat {
    uint32_t trace;
    uint64_t offset;
    uint64_t ns, samples;
};

struct trace_heat {
    struct heat *rows; /* by trace and offset, each once */
    uint32_t count;
};

/* Returns 0 or -ENOMEM. */
int
trace_heat_make(struct trace_heat *heat, const struct profile *profile,
                const struct tree *tree);

/* What of it is from an offset of a trace on, up to another. */
struct cell
trace_heat_between(const struct trace_heat *heat, uint32_t trace, uint64_t from,
                   uint64_t to);

void
trace_heat_free(struct trace_heat *heat);

#endif
