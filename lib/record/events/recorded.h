/* SPDX-License-Identifier: MIT */

/*
 * The ring of a thread's recorded events. Its thread appends, in a callback of
 * the recorder's tool, and nobody else; the writer takes.
 *
 * A session, or other settings, are noticed by the thread at its next event: only
 * it touches what it appends to.
 */
#ifndef VMP_EVENTS_RECORDED_H
#define VMP_EVENTS_RECORDED_H

#include <stdatomic.h>
#include <stdbool.h>

#include <vmprof/events.h>

#include "../../format/recorded.h"

/* A thread's. Zeroed, it has recorded nothing. */
struct vmp_recorded {
    /* The thread's own. */
    unsigned turn; /* the last that it has seen */
    bool is_on;
    uint64_t capacity; /* events; 0: there was no memory for it */
    uint64_t period, step_ns;
    uint64_t due_ns; /* when the rate lets the next one through */
    uint64_t random;
    uint64_t missing;                       /* kinds, since the last recorded */
    uint32_t countdown[VMP_RECORDED_KINDS]; /* to the next recorded one */

    /* Written by the thread, read by all; what was recorded is counted by the
     * writer. */
    struct vmp_recorded_counts counts[VMP_RECORDED_KINDS];
    atomic_uint joined; /* number of the session that all this is of */
    struct vmp_recorded_event *events;
    size_t mapped; /* bytes */
    atomic_uint_least64_t head;

    atomic_uint_least64_t tail; /* the writer's; what is below has been taken */
};

/* What all threads look at. */
struct vmp_recorder {
    atomic_uint turn;    /* another one whenever the rest has changed */
    atomic_uint session; /* number of the one to record in; 0: none */
    atomic_uint_least64_t events, period, rate, capacity;
};

extern struct vmp_recorder vmp_recorder;

/* The callback of the tool. */
int
vmp_record_event(void *user, struct vmprof_thread *thread,
                 const struct vmprof_event *event);

/* Add what a thread did not record in a session, by kind. Any thread, under the
 * threads' lock. */
void
vmp_recorded_count(const struct vmp_recorded *recorded, unsigned session,
                   struct vmp_recorded_counts *sums);

/* The thread is gone, and its ring taken. */
void
vmp_recorded_free(struct vmp_recorded *recorded);

/* From now on events are of a session, by its number; 0: of none. Under the
 * threads' lock. */
void
vmp_recorder_set_session(unsigned session);

/* Around a fork(), outside the events' lock, and in its child, which has no
 * session. */
void
vmp_recorder_lock(void);
void
vmp_recorder_unlock(void);

#endif
