/* SPDX-License-Identifier: MIT */

/* Which of the recorded events are shown. */
#include "events_view.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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

static bool
is_of_thread(const struct events_view *events, uint32_t index)
{
    const struct thread *thread = &events->view.profile.threads[index];
    char id[32];

    if (!events->thread)
        return true;
    snprintf(id, sizeof(id), "%" PRIu64, thread->id);
    return strcmp(events->thread, id) == 0 ||
           (thread->name && strcmp(events->thread, thread->name) == 0);
}

bool
events_has_thread(const struct events_view *events)
{
    for (uint32_t i = 0; i < events->view.profile.thread_count; i++)
        if (is_of_thread(events, i))
            return true;
    return !events->thread;
}

static bool
is_named(const struct events_view *events, bool has_code, uint32_t code)
{
    return has_code &&
           fnmatch(events->code, events->view.profile.codes[code].function,
                   0) == 0;
}

bool
events_shows(const struct events_view *events,
             const struct recorded_event *event)
{
    if (!(events->kinds & VMPROF_EVENT_BIT(event->kind)) ||
        event->time_ns < events->from_ns || event->time_ns > events->to_ns ||
        !is_of_thread(events, event->thread))
        return false;
    return !events->code || is_named(events, event->has_code, event->code) ||
           is_named(events, event->has_callee, event->callee);
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
