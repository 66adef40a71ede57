/* SPDX-License-Identifier: MIT */

/* Recorded events as a whole: all of them, and which belong together. */
#ifndef ANALYSE_RECORDED_H
#define ANALYSE_RECORDED_H

#include <stddef.h>

#include "../read/profile.h"

/* Events in the order of the file. Zeroed, there are none. */
struct recorded_list {
    struct recorded_event *events;
    size_t count, capacity;
};

/* A recorded_function, whose `user` is the list: to be given to a reader. */
int
recorded_add(void *user, const struct profile *profile,
             const struct recorded_event *event);

void
recorded_free(struct recorded_list *list);

/*
 * What begins and ends: calls (which also go on and yield), calls of C functions,
 * collections, and machine code of a JIT. Whatever is open on a thread stands on
 * what was open before it. An end belongs to the innermost beginning of its sort
 * and function; what is open above that has ended unseen. Where events of a sort
 * are missing, nothing of that sort that is open belongs to anything any more.
 */
struct recorded_pairing {
    const struct profile *profile;
    const struct recorded_list *list;
    void *user;

    /* In the order of each thread's events. NULL: not wanted. */
    void (*on_begin)(void *user, size_t begin);
    /* `end` is its end, or SIZE_MAX: it was not seen, and is over by then. */
    void (*on_end)(void *user, size_t begin, size_t end, uint64_t time_ns);
    /* What neither begins nor ends anything that is known. */
    void (*on_instant)(void *user, size_t event);
};

/* Returns 0 or -ENOMEM. */
int
recorded_pair(const struct recorded_pairing *pairing);

/* The other end of each event, SIZE_MAX: none. To be freed; NULL: no memory. */
size_t *
recorded_partners(const struct profile *profile,
                  const struct recorded_list *list);

/* The events in the order of time, session by session. To be freed; NULL: no
 * memory. */
size_t *
recorded_by_time(const struct profile *profile,
                 const struct recorded_list *list);

/* What all sessions recorded, and what became of it. */
void
recorded_sum(struct recorded_totals *sum, const struct profile *profile);

/* Sums over kinds. */
struct recorded_counts
recorded_count(const struct recorded_totals *totals);

#endif
