/* SPDX-License-Identifier: MIT */

/* What the parts of `vmprof events` share: the events of one profile. */
#ifndef REPORT_EVENTS_VIEW_H
#define REPORT_EVENTS_VIEW_H

#include "analyse/recorded.h"
#include "view.h"

struct events_view {
    struct view view; /* its path, limit, terminal and profile */
    struct recorded_list list;
    size_t *order;    /* indexes by time */
    size_t *partners; /* the other end of each, SIZE_MAX: none */

    const char *code;   /* a pattern of functions; NULL: all */
    const char *thread; /* a name or a number; NULL: all */
    uint64_t kinds;     /* bits */
    uint64_t from_ns, to_ns;
};

/* Put the events in order, find what belongs together. 0 or -ENOMEM. */
int
events_view_finish(struct events_view *events);
void
events_view_free(struct events_view *events);

/* Whether a thread that is asked for is there. */
bool
events_has_thread(const struct events_view *events);

/* Whether the filters let an event through. */
bool
events_shows(const struct events_view *events,
             const struct recorded_event *event);

/* Sets how long it took from the beginning to an end that is both known. */
bool
events_duration(const struct events_view *events, size_t index,
                uint64_t *duration_ns);

/* The name of a kind, also of one that is new to us. */
const char *
events_kind_name(uint32_t kind, char buffer[32]);

/* The parts. Each returns 0 or -ENOMEM. */
int
report_events(const struct events_view *events);
int
report_events_json(const struct events_view *events);
int
report_events_ndjson(const struct events_view *events);

/* How many there were and what is missing: a line of the header of every report,
 * nothing if no session recorded any. */
void
report_recorded(const struct view *view);

/* The same as JSON, all 0 if no session recorded any. */
struct json_object *
json_recorded(const struct profile *profile);

#endif
