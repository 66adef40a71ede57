/* SPDX-License-Identifier: MIT */

/*
 * Events of a thread on their way: they wait for the mark that comes after
 * them, since only two marks tell what ticks are.
 */
#ifndef READ_NATIVE_EVENTS_H
#define READ_NATIVE_EVENTS_H

#include "native.h"

/* The edges of the format, and one for what was lost. */
enum {
    EDGE_ENTER = 0,
    EDGE_JUMP = 1,
    EDGE_EXIT = 2,
    EDGE_CALL = 3,
    EDGE_RETURN = 4,
    EDGE_LOST = 7, /* the id is how many */
};

struct raw_event {
    uint64_t ticks;
    uint64_t id_edge; /* id << 3 and the edge */
};

struct mark {
    uint64_t ticks, ns, cpu_ns;
};

struct native_event_thread {
    struct raw_event *waiting;
    double *lengths;       /* as many as there are waiting, and one */
    double *excess;        /* the same: how much longer than usual */
    double open_ns;        /* since the event that is the last so far */
    uint64_t open_id_edge; /* that one */
    uint32_t first, count, capacity, length_capacity;
    uint32_t session, thread; /* of the profile */
    struct mark mark;         /* the last */
    bool has_mark;
    uint64_t last_ticks; /* of the last event */
    uint64_t next_number, lost;
    double run_ns; /* time it had a CPU, up to the last mark */
    /* That was taken for time off the CPU, but the CPU clock has it since. */
    double owed_ns;
    uint64_t last_run_ns, last_at_ns; /* of the last event */
};

/* Hand over the events before a mark, which is the last one from then on. 0,
 * -ENOMEM or -ECANCELED. */
int
native_event_mark(struct native *native, struct native_event_thread *thread,
                  const struct mark *mark);

/*
 * Take time off the CPU out of thread->lengths, count + 1 of them, which are
 * `sum` together. Returns how much was taken; below 0: out of memory.
 */
double
native_event_waits(struct native *native, struct native_event_thread *thread,
                   uint32_t count, double sum, double off);

/* As native_event_mark(), with those that no mark has come after. */
int
native_event_flush(struct native *native, struct native_event_thread *thread);

/* The same, and the thread's end. */
int
native_event_end(struct native *native, struct native_event_thread *thread);

#endif
