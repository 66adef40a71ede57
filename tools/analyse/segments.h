/* SPDX-License-Identifier: MIT */

/*
 * From events of a JIT, in the order of each thread, to the time in each
 * trace: the stretch between two events belongs to what runs then. Entering a
 * trace while in another leaves that one.
 *
 * Zeroed, but for the policies, is a fresh one.
 */
#ifndef ANALYSE_SEGMENTS_H
#define ANALYSE_SEGMENTS_H

#include "../read/traces.h"
#include "intern.h"

/* What an inner bridge is: a trace whose group is another trace. */
enum inner_policy {
    INNER_COUNT,  /* its time is its group's; entries are counted */
    INNER_IGNORE, /* it is as if it were its group */
    INNER_EACH,   /* it has time of its own */
};

/* Whose the time in what call_assembler calls is. */
enum call_policy {
    CALL_CALLER, /* the caller's: what happens inside is not looked at */
    CALL_NEST,   /* the callee's; and the caller's total */
};

struct segment_policies {
    enum inner_policy inner;
    enum call_policy call;
    uint64_t probe; /* that long an event takes, which is taken off */
    /* The loop that an inner bridge belongs to, else the trace itself; NULL:
     * there are no inner bridges. */
    uint32_t (*group)(void *user, uint32_t trace);
    void *user;
};

/* All zero: nothing was seen of it. */
struct segment_figures {
    uint64_t self, total;
    uint64_t segments; /* that self is made of */
    uint64_t entries, exits;
};

/* From a trace to another, or 0, the interpreter. */
struct transition {
    uint32_t from, to;
    uint64_t count;
};

#define TRANSITION_UNKNOWN UINT32_MAX /* from: events were lost before */

struct segments {
    struct segment_policies policies;
    struct segment_figures *figures; /* by trace; 0 is the interpreter */
    struct transition *transitions;
    uint64_t *guard_exits;            /* by guard, of those that events name */
    struct segments_thread **threads; /* private */
    uint32_t figure_count, transition_count, thread_count;
    uint32_t guard_count;
    uint32_t figure_capacity, transition_capacity, thread_capacity;
    struct vmp_intern pairs; /* from, to */

    uint64_t unknown;  /* time after losses */
    uint64_t off_cpu;  /* time between suspending and resuming */
    uint64_t overhead; /* of events, taken off */
    uint64_t events, losses, lost;
    uint64_t mismatches; /* events that cannot follow each other */
    uint64_t backwards;  /* times before the one before */
};

/* Returns 0 or -ENOMEM. */
int
segments_add(struct segments *segments, const struct jit_event *event);

/* Add the stretch from a thread's last event to its end. */
int
segments_end(struct segments *segments, uint32_t thread, uint64_t time);

/* Whether its segments are too short for the clock to be told apart. */
bool
segments_unreliable(const struct segments *segments, uint32_t trace);

/* A copy of the transitions, of which there are some, the most frequent first;
 * to be freed. NULL: no memory. */
struct transition *
transitions_sorted(const struct segments *segments);

void
segments_free(struct segments *segments);

#endif
