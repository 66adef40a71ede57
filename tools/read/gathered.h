/* SPDX-License-Identifier: MIT */

/* What layers of events gathered: counts, lines and calls, of all sessions
 * together, each once. Codes are indexes into the profile's. */
#ifndef READ_GATHERED_H
#define READ_GATHERED_H

#include <stdbool.h>
#include <stdint.h>

struct event_count {
    uint32_t code; /* 0: of none, or of any */
    uint32_t kind; /* enum vmprof_event_kind */
    uint64_t count;
};

struct covered_line {
    uint32_t code, line;
    bool has_run; /* else it is known to be there */
};

/* The caller of the sum over all callers, of which only the last is set. */
#define CALLER_ANY UINT32_MAX

struct call_edge {
    uint32_t caller; /* 0: unknown, or none */
    uint32_t callee;
    uint64_t calls, resumes, self_ns, inclusive_ns;
};

struct gathered {
    struct event_count *counts;
    struct covered_line *lines;
    struct call_edge *calls;
    uint32_t count_count, line_count, call_count;
    bool has_counts, has_lines, has_calls; /* there are chunks of them */
    uint64_t lost_events, lost_lines, lost_calls;
    uint64_t unmatched, abandoned; /* of calls */
};

#endif
