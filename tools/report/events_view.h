/* SPDX-License-Identifier: MIT */

/* What the parts of `vmprof events` share: the events of one profile. */
#ifndef REPORT_EVENTS_VIEW_H
#define REPORT_EVENTS_VIEW_H

#include "analyse/event_filter.h"
#include "analyse/recorded.h"
#include "view.h"

struct events_view {
    struct view view; /* its path, limit, terminal and profile */
    struct recorded_list list;
    size_t *order;    /* indexes by time */
    size_t *partners; /* the other end of each, SIZE_MAX: none */
    struct event_filter filter;
};

/* Put the events in order, find what belongs together. 0 or -ENOMEM. */
int
events_view_finish(struct events_view *events);
void
events_view_free(struct events_view *events);

/* Whether the filter lets an event through. */
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
