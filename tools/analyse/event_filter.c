/* SPDX-License-Identifier: MIT */

#include "event_filter.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>

bool
event_filter_has_thread(const struct event_filter *filter,
                        const struct profile *profile, uint32_t thread)
{
    const struct thread *of = &profile->threads[thread];
    char id[32];

    if (!filter->thread)
        return true;
    snprintf(id, sizeof(id), "%" PRIu64, of->id);
    return strcmp(filter->thread, id) == 0 ||
           (of->name && strcmp(filter->thread, of->name) == 0);
}

int
event_filter_check(const struct event_filter *filter,
                   const struct profile *profile, const char *path,
                   char *message, size_t message_size)
{
    for (uint32_t i = 0; i < profile->thread_count; i++)
        if (event_filter_has_thread(filter, profile, i))
            return 0;
    if (!filter->thread)
        return 0;
    snprintf(message, message_size,
             "%s has no thread \"%s\"; vmprof report --threads lists them",
             path, filter->thread);
    return -1;
}

bool
event_filter_has_code(const struct event_filter *filter,
                      const struct profile *profile, uint32_t code)
{
    return !filter->code ||
           fnmatch(filter->code, profile->codes[code].function, 0) == 0;
}

bool
event_filter_shows_sometime(const struct event_filter *filter,
                            const struct profile *profile,
                            const struct recorded_event *event)
{
    if (!(filter->kinds & VMPROF_EVENT_BIT(event->kind)) ||
        !event_filter_has_thread(filter, profile, event->thread))
        return false;
    return !filter->code ||
           (event->has_code &&
            event_filter_has_code(filter, profile, event->code)) ||
           (event->has_callee &&
            event_filter_has_code(filter, profile, event->callee));
}

bool
event_filter_shows(const struct event_filter *filter,
                   const struct profile *profile,
                   const struct recorded_event *event)
{
    return event->time_ns >= filter->from_ns &&
           event->time_ns <= filter->to_ns &&
           event_filter_shows_sometime(filter, profile, event);
}
