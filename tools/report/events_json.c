/* SPDX-License-Identifier: MIT */

/* The timeline of recorded events, for programs. */
#include <errno.h>

#include "events_view.h"
#include "json_out.h"

static void
add_code(struct json_object *object, const char *name, const struct code *code)
{
    struct json_object *of = json_object_new_object();

    json_text(of, "function", code->function);
    json_text(of, "file", code->file);
    json_number(of, "line", code->line);
    json_object_object_add(object, name, of);
}

static void
add_missing(struct json_object *object, uint64_t missing)
{
    struct json_object *array = json_object_new_array();
    char buffer[32];

    /* Where a part of the file is gone there may have been any. */
    for (uint32_t kind = 0; kind < RECORDED_KINDS; kind++)
        if (missing & VMPROF_EVENTS_ALL & VMPROF_EVENT_BIT(kind))
            json_object_array_add(
                array, json_object_new_string(events_kind_name(kind, buffer)));
    json_object_object_add(object, "missing_before", array);
}

static struct json_object *
json_event(const struct events_view *events, size_t index)
{
    const struct recorded_event *event = &events->list.events[index];
    const struct profile *profile = &events->view.profile;
    const struct thread *thread = &profile->threads[event->thread];
    struct json_object *object = json_object_new_object();
    uint64_t duration_ns;
    char buffer[32];

    json_text(object, "kind", events_kind_name(event->kind, buffer));
    json_number(object, "time_ns", event->time_ns);
    json_number(object, "session", thread->session);
    json_number(object, "thread", thread->id);
    json_text(object, "thread_name", thread->name ? thread->name : "");
    json_number(object, "number", event->number);
    if (events_duration(events, index, &duration_ns))
        json_number(object, "duration_ns", duration_ns);
    if (event->has_code)
        add_code(object, "code", &profile->codes[event->code]);
    if (event->line)
        json_number(object, "line", event->line);
    if (event->offset)
        json_number(object, "offset", event->offset);
    if (event->target)
        json_number(object, "target", event->target);
    if (event->has_callee)
        add_code(object, "callee", &profile->codes[event->callee]);
    if (event->missing)
        add_missing(object, event->missing);
    return object;
}

/* Each that is shown, up to the limit. */
static void
each(const struct events_view *events,
     void (*put)(struct json_out *json, struct json_object *event),
     struct json_out *json)
{
    unsigned left = events->view.limit;

    for (size_t i = 0; i < events->list.count; i++) {
        const size_t index = events->order[i];

        if (!events_shows(events, &events->list.events[index]))
            continue;
        put(json, json_event(events, index));
        if (left && !--left)
            break;
    }
}

int
report_events_json(const struct events_view *events)
{
    struct json_out json;

    json_out_begin(&json, events->view.terminal.out);
    json_out_member(&json, "file", json_object_new_string(events->view.path));
    json_out_member(&json, "sessions", json_sessions(&events->view.profile));
    json_out_member(&json, "recorded", json_recorded(&events->view.profile));
    json_out_begin_array(&json, "events");
    each(events, json_out_element, &json);
    json_out_end_array(&json);
    json_out_member(&json, "damage", json_damage(&events->view.profile));
    return json_out_end(&json);
}

int
report_events_ndjson(const struct events_view *events)
{
    struct json_out json = { .out = events->view.terminal.out };

    each(events, json_out_line, &json);
    return json.failed ? -ENOMEM : 0;
}
