/* SPDX-License-Identifier: MIT */

/* Traces, and the time in them, as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "jit_view.h"
#include "json_out.h"

static struct json_object *
json_jit_damage(const struct jit_damage *damage)
{
    struct json_object *object = json_object_new_object();

    json_number(object, "first_line", damage->first_line);
    json_number(object, "first_offset", damage->first_offset);
    json_number(object, "bytes_unread", damage->bytes_unread);
    json_number(object, "lines_unknown", damage->lines_unknown);
    json_number(object, "lines_too_long", damage->lines_too_long);
    json_number(object, "unopened", damage->unopened);
    json_number(object, "unclosed", damage->unclosed);
    json_number(object, "backwards", damage->backwards);
    json_number(object, "unmatched", damage->unmatched);
    json_number(object, "repeated", damage->repeated);
    json_number(object, "limited", damage->limited);
    json_number(object, "untimed", damage->untimed);
    json_flag(object, "cut", damage->cut);
    return object;
}

static struct json_object *
json_events(const struct trace_times *times)
{
    struct json_object *object = json_object_new_object();

    json_number(object, "events", times->segments->events);
    json_number(object, "time", times->event_time);
    json_number(object, "interpreter", times->interpreter);
    json_number(object, "unknown", times->unknown);
    json_number(object, "off_cpu", times->off_cpu);
    json_number(object, "losses", times->segments->losses);
    json_number(object, "lost", times->segments->lost);
    json_number(object, "mismatches", times->segments->mismatches);
    json_number(object, "backwards", times->segments->backwards);
    return object;
}

static struct json_object *
json_sampled(const struct trace_times *times)
{
    struct json_object *object = json_object_new_object();

    json_number(object, "samples", times->samples);
    json_number(object, "time_ns", times->sampled_ns);
    json_number(object, "outside_ns", times->interpreter_ns);
    json_number(object, "unmatched_ns", times->unmatched_ns);
    return object;
}

static struct json_object *
json_event_figures(const struct trace_figures *figures)
{
    struct json_object *object = json_object_new_object();

    json_number(object, "self", figures->self);
    json_number(object, "total", figures->total);
    json_number(object, "segments", figures->segments);
    json_number(object, "entries", figures->entries);
    json_number(object, "exits", figures->exits);
    json_flag(object, "unreliable", figures->unreliable);
    return object;
}

static struct json_object *
json_sample_figures(const struct trace_figures *figures)
{
    struct json_object *object = json_object_new_object();

    json_number(object, "self_ns", figures->self_ns);
    json_number(object, "total_ns", figures->total_ns);
    json_number(object, "native_ns", figures->native_ns);
    json_number(object, "self_samples", figures->self_samples);
    json_number(object, "total_samples", figures->total_samples);
    return object;
}

static struct json_object *
json_counts(const struct traces *traces, uint32_t index)
{
    const struct trace *trace = &traces->traces[index];
    struct json_object *object = json_object_new_object();
    uint64_t rounds;

    if (trace->has_entries)
        json_number(object, "entries", trace->entries);
    if (trace_iterations(traces, index, &rounds))
        json_number(object, "rounds", rounds);
    return object;
}

/* By what they were found with. */
static struct json_object *
json_figures(const struct jit_view *jit, const struct jit_row *row)
{
    const struct trace_figures *figures = jit_figures(jit, row);
    struct json_object *object = json_object_new_object();

    if (jit->times.has_events)
        json_object_object_add(object, "events", json_event_figures(figures));
    if (jit->times.has_samples)
        json_object_object_add(object, "sampled", json_sample_figures(figures));
    if (jit->traces.has_counts)
        json_object_object_add(object, "counts",
                               json_counts(&jit->traces, row->trace));
    return object;
}

static void
add_place(struct json_object *object, const struct traces *traces,
          uint32_t index)
{
    const struct trace_place *place = &traces->places[index];

    if (!index)
        return;
    json_text(object, "function", place->function);
    json_text(object, "file", place->file);
    json_number(object, "line", place->line);
    if (place->has_bytecode)
        json_number(object, "bytecode", place->bytecode);
    json_text(object, "opcode", place->opcode);
}

static struct json_object *
json_operation(const struct jit_view *jit, uint32_t trace,
               const struct trace_operation *operation)
{
    const struct traces *traces = &jit->traces;
    struct json_object *object = json_object_new_object();

    json_text(object, "text", operation->text);
    if (operation->has_offset) {
        json_number(object, "offset", operation->offset);
        json_number(object, "size", operation->size);
    }
    if (jit->reading && operation->has_offset)
        json_number(
            object, "sampled_ns",
            trace_heat_between(&jit->reading->heat, trace, operation->offset,
                               (uint64_t)operation->offset + operation->size)
                .self_ns);
    if (operation->kind == OPERATION_GUARD && operation->target) {
        json_number(object, "guard", traces->guards[operation->target].id);
        json_number(object, "bridge", traces->guards[operation->target].bridge);
    }
    if (operation->kind == OPERATION_LABEL && operation->target &&
        traces->labels[operation->target].has_count)
        json_number(object, "count", traces->labels[operation->target].count);
    add_place(object, traces, operation->place);
    return object;
}

static struct json_object *
json_operations(const struct jit_view *jit, uint32_t index)
{
    const struct traces *traces = &jit->traces;
    const struct trace *trace = &traces->traces[index];
    struct json_object *array = json_object_new_array();

    for (uint32_t i = 0; i < trace->operation_count; i++)
        json_object_array_add(
            array,
            json_operation(jit, index,
                           &traces->operations[trace->first_operation + i]));
    return array;
}

static int
add_code(struct json_object *object, const struct trace *trace)
{
    char *text;

    json_number(object, "code_start", trace->code_start);
    json_number(object, "code_size", trace->code_size);
    if (!trace->code)
        return 0;
    text = malloc((size_t)trace->known_size * 2 + 1);
    if (!text)
        return -ENOMEM;
    for (uint64_t i = 0; i < trace->known_size; i++)
        snprintf(text + i * 2, 3, "%02x", trace->code[i]);
    json_text(object, "code", text);
    free(text);
    return 0;
}

static struct json_object *
json_trace(const struct jit_view *jit, uint32_t index)
{
    const struct traces *traces = &jit->traces;
    const struct trace *trace = &traces->traces[index];
    struct json_object *object = json_object_new_object();

    json_number(object, "number", index);
    json_number(object, "id", trace->id);
    json_text(object, "kind", trace_kind_name(trace->kind));
    json_text(object, "end", trace_end_name(trace->end));
    json_text(object, "name", trace->name);
    add_place(object, traces, trace->place);
    json_number(object, "root", trace->root);
    json_number(object, "parent", trace->parent);
    json_number(object, "into", trace->into);
    json_number(object, "guards", trace->guard_count);
    json_number(object, "labels", trace->label_count);
    json_number(object, "recorded_operations", trace->recorded_count);
    json_flag(object, "aborted", trace->aborted);
    json_object_object_add(
        object, "figures",
        json_figures(jit, &(struct jit_row){ index, false }));
    if (trace->root == index)
        json_object_object_add(
            object, "with_bridges",
            json_figures(jit, &(struct jit_row){ index, true }));
    if (trace->root == index)
        json_jit_doubts(object, jit, index);
    json_object_object_add(object, "guard_list", json_jit_guards(jit, index));
    if (add_code(object, trace)) {
        json_object_put(object);
        return NULL;
    }
    json_object_object_add(object, "operations", json_operations(jit, index));
    return object;
}

static struct json_object *
json_transition(const struct transition *transition)
{
    struct json_object *object = json_object_new_object();

    if (transition->from != TRANSITION_UNKNOWN)
        json_number(object, "from", transition->from);
    json_number(object, "to", transition->to);
    json_number(object, "count", transition->count);
    return object;
}

static struct json_object *
json_section(const struct jit_section *section)
{
    struct json_object *object = json_object_new_object();

    json_text(object, "name", section->name);
    json_text(object, "phase", section_kind_name(section->kind));
    json_number(object, "count", section->count);
    json_number(object, "self", section->self);
    json_number(object, "total", section->total);
    return object;
}

static struct json_object *
json_total(const struct jit_total *total)
{
    struct json_object *object = json_object_new_object();

    json_text(object, "name", total->name);
    if (total->has_count)
        json_number(object, "count", total->count);
    if (total->has_seconds)
        json_number(object, "time_ns", (uint64_t)(total->seconds * 1e9 + 0.5));
    return object;
}

static void
add_arrays(struct json_out *json, const struct jit_view *jit)
{
    const struct traces *traces = &jit->traces;
    const struct segments *segments = jit->times.segments;

    json_out_begin_array(json, "sections");
    for (uint32_t i = 1; i < traces->section_count; i++)
        json_out_element(json, json_section(&traces->sections[i]));
    json_out_end_array(json);
    json_out_begin_array(json, "summary");
    for (uint32_t i = 1; i < traces->total_count; i++)
        json_out_element(json, json_total(&traces->totals[i]));
    json_out_end_array(json);
    json_out_begin_array(json, "transitions");
    for (uint32_t i = 0; segments && i < segments->transition_count; i++)
        json_out_element(json, json_transition(&segments->transitions[i]));
    json_out_end_array(json);
    json_out_begin_array(json, "traces");
    for (uint32_t i = 1; i < traces->trace_count; i++)
        if (!jit->trace || jit->trace == i)
            json_out_element(json, json_trace(jit, i));
    json_out_end_array(json);
}

int
report_jit_json(const struct jit_view *jit)
{
    const struct traces *traces = &jit->traces;
    struct json_out json;

    json_out_begin(&json, jit->view.terminal.out);
    json_out_member(&json, "file", json_object_new_string(jit->path));
    json_out_member(&json, "format", json_object_new_string(traces->format));
    json_out_member(&json, "machine", json_object_new_string(traces->machine));
    json_out_member(&json, "clock",
                    json_object_new_string(trace_clock_name(traces->clock)));
    json_out_member(&json, "damage", json_jit_damage(&traces->damage));
    if (jit->view.profile.session_count) {
        json_out_member(&json, "profile",
                        json_object_new_string(jit->view.path));
        json_out_member(&json, "sessions", json_sessions(&jit->view.profile));
        json_out_member(&json, "profile_damage",
                        json_damage(&jit->view.profile));
    }
    if (jit->times.has_events)
        json_out_member(&json, "events", json_events(&jit->times));
    if (jit->times.has_samples)
        json_out_member(&json, "sampled", json_sampled(&jit->times));
    if (jit->reading)
        json_out_member(&json, "phases", json_jit_phases(jit));
    add_arrays(&json, jit);
    return json_out_end(&json);
}
