/* SPDX-License-Identifier: MIT */

/* Which of the recorded events are shown. */
#include "events_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

int
events_view_finish(struct events_view *events)
{
    events->order = recorded_by_time(&events->view.profile, &events->list);
    events->partners = recorded_partners(&events->view.profile, &events->list);
    return events->order && events->partners ? 0 : -ENOMEM;
}

void
events_view_free(struct events_view *events)
{
    free(events->order);
    free(events->partners);
    recorded_free(&events->list);
    profile_free(&events->view.profile);
}

bool
events_shows(const struct events_view *events,
             const struct recorded_event *event)
{
    return event_filter_shows(&events->filter, &events->view.profile, event);
}

bool
events_duration(const struct events_view *events, size_t index,
                uint64_t *duration_ns)
{
    const size_t partner = events->partners[index];
    uint64_t one, other;

    if (partner == SIZE_MAX)
        return false;
    one = events->list.events[index].time_ns;
    other = events->list.events[partner].time_ns;
    *duration_ns = one > other ? one - other : other - one;
    return true;
}

const char *
events_kind_name(uint32_t kind, char buffer[32])
{
    const char *name = vmprof_event_name(kind);

    if (name)
        return name;
    snprintf(buffer, 32, "event-%" PRIu32, kind);
    return buffer;
}
