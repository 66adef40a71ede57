/* SPDX-License-Identifier: MIT */

/* Events that are recorded, and their names. */

#include "operations.h"

#include <string.h>

#include "profiled.h"

VMPROF_API void
exported_options_init(struct vmprof_event_recorder_options *options)
    IN_LIBRARY(vmprof_event_recorder_options_init);
VMPROF_API void
exported_counts_init(struct vmprof_recorded_events *counts)
    IN_LIBRARY(vmprof_recorded_events_init);

#define CALLS VMPROF_EVENT_BIT(VMPROF_EVENT_CALL)

enum {
    EVENTS = 5,
};

static intptr_t
start_recorder(struct world *w)
{
    struct vmprof_event_recorder_options options;

    (void)w;
    exported_options_init(&options);
    options.events = CALLS;
    return vmprof_start_event_recorder(&options);
}

static void
prepare_recorder(struct world *w)
{
    require(start_recorder(w) == 0);
}

static intptr_t
stop_recorder(struct world *w)
{
    (void)w;
    return vmprof_stop_event_recorder();
}

static intptr_t
record_events(struct world *w)
{
    const struct vmprof_event event = {
        .kind = VMPROF_EVENT_CALL,
        .code = code(w, 'B'),
    };
    intptr_t result = 0;

    for (int i = 0; i < EVENTS; i++)
        result |= vmprof_fire_event(w->thread, &event);
    return result;
}

/* None was lost; how many of them have been written is the writer's affair. */
static intptr_t
count_events(struct world *w)
{
    struct vmprof_recorded_events counts;
    int r;

    (void)w;
    exported_counts_init(&counts);
    r = vmprof_count_recorded_events(CALLS, &counts);
    return r < 0 ? r : (intptr_t)(counts.no_room + counts.over_rate);
}

static void
prepare_events(struct world *w)
{
    prepare_recorder(w);
    require(record_events(w) == 0);
}

static intptr_t
name_events(struct world *w)
{
    uint64_t events = 0, group = 0;
    const int r = vmprof_parse_events("call,gc", &events);

    (void)w;
    if (r < 0 || strcmp(vmprof_event_name(VMPROF_EVENT_CALL), "call") != 0)
        return -1;
    return strcmp(vmprof_event_group(0, &group), "calls") |
           !(events & group & CALLS);
}

static const struct operation list[] = {
    { "start a recorder",
      "vmprof_start_event_recorder vmprof_event_recorder_options_init",
      start_recorder, PATH("AB"), IS_LONG, NULL },
    { "stop a recorder", "vmprof_stop_event_recorder", stop_recorder,
      PATH("AB"), IS_LONG, prepare_recorder },
    { "record events", "vmprof_fire_event", record_events, PATH("AB"), IS_LONG,
      prepare_recorder },
    { "count recorded events",
      "vmprof_count_recorded_events vmprof_recorded_events_init", count_events,
      PATH("AB"), IS_LONG, prepare_events },
    { "name events", "vmprof_event_name vmprof_event_group vmprof_parse_events",
      name_events, PATH("AB"), IS_LONG, NULL },
};

const struct operations recorder_operations = { list,
                                                sizeof(list) / sizeof(*list) };
