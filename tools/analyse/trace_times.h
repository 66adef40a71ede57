/* SPDX-License-Identifier: MIT */

/*
 * The time in each trace, from events, from samples or from both, and with its
 * bridges. Counts of the VM itself are in the traces.
 */
#ifndef ANALYSE_TRACE_TIMES_H
#define ANALYSE_TRACE_TIMES_H

#include "segments.h"
#include "tree.h"

/* What a figure was found with. */
enum figure_source {
    FIGURE_EVENTS,
    FIGURE_SAMPLED,
    FIGURE_COUNTS,
};

/* All zero: there was nothing. Times of events are of the traces' clock. */
struct trace_figures {
    uint64_t self, total, segments, entries, exits;
    bool unreliable;            /* its segments are too short for the clock */
    uint64_t self_ns, total_ns; /* sampled */
    uint64_t native_ns;         /* of self_ns, in functions that it called */
    uint64_t self_samples, total_samples;
};

struct trace_times {
    struct trace_figures *each;   /* by trace, alone */
    struct trace_figures *folded; /* by root, with all that is under it */
    uint32_t count;               /* of traces */

    bool has_events, has_samples;
    uint64_t event_time;  /* of events, first to last, without the next two */
    uint64_t interpreter; /* of that */
    uint64_t unknown, off_cpu;
    uint64_t sampled_ns;     /* all samples on a CPU */
    uint64_t interpreter_ns; /* of that: not in any trace */
    uint64_t unmatched_ns;   /* in machine code of no known trace */
    uint64_t samples;
    const struct segments *segments; /* for transitions; NULL: none */
};

/* Events as they come by: alone by the policies asked for, and by root. */
struct trace_events {
    struct segments each, folded;
    const struct traces *traces; /* for who groups; set by the first event */
};

/* The loop that a trace is folded under, also while traces are being read. */
uint32_t
trace_root(const struct traces *traces, uint32_t trace);

/* The same for an inner bridge: one that ends in its own loop. Else itself. */
uint32_t
trace_group(const struct traces *traces, uint32_t trace);

/* A zeroed one with these policies, but for who groups. */
void
trace_events_open(struct trace_events *events, enum inner_policy inner,
                  enum call_policy call, uint64_t probe);

/* A jit_event_function; `user` is a struct trace_events. */
int
trace_events_add(void *user, const struct traces *traces,
                 const struct jit_event *event);
void
trace_events_free(struct trace_events *events);

/* After the reading. Returns 0 or -ENOMEM. */
int
trace_times_open(struct trace_times *times, const struct traces *traces);

/* The events must stay as long as `times`. */
void
trace_times_take_events(struct trace_times *times,
                        const struct trace_events *events);

/*
 * Add the samples of a profile, summed by stack, whose frames are in these
 * traces: an array by frame, 0 for those in none. See frame_traces().
 */
int
trace_times_take_samples(struct trace_times *times, const struct traces *traces,
                         const struct profile *profile, const struct tree *tree,
                         const uint32_t *frame_traces);

/*
 * The trace of each frame of compiled code by the address that a vmprof log has
 * of it. What is in none becomes a trace that only has an address. To be freed;
 * NULL: no memory.
 */
uint32_t *
frame_traces(struct traces *traces, const struct profile *profile);

void
trace_times_free(struct trace_times *times);

#endif
