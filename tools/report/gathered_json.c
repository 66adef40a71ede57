/* SPDX-License-Identifier: MIT */

/* vmprof events --counters, --coverage and --callgraph as JSON: all of it. */
#include <errno.h>
#include <stdlib.h>

#include <vmprof/event_names.h>

#include "gathered_view.h"
#include "json_out.h"

static void
add_code(struct json_object *object, const struct profile *profile,
         uint32_t index)
{
    const struct code *code = &profile->codes[index];

    json_text(object, "function", code->function);
    json_text(object, "file", code->file);
    json_number(object, "line", code->line);
}

static struct json_object *
json_count(const struct profile *profile, const struct event_count *row)
{
    struct json_object *object = json_object_new_object();
    const char *name = vmprof_event_name(row->kind);

    if (row->code)
        add_code(object, profile, row->code);
    json_number(object, "kind", row->kind);
    if (name)
        json_text(object, "event", name);
    json_number(object, "count", row->count);
    return object;
}

static void
put_counts(struct json_out *json, const struct profile *profile)
{
    const struct gathered *gathered = &profile->gathered;

    json_out_begin_array(json, "counts");
    for (uint32_t i = 0; i < gathered->count_count; i++)
        json_out_element(json, json_count(profile, &gathered->counts[i]));
    json_out_end_array(json);
    json_out_member(json, "lost_events",
                    json_object_new_uint64(gathered->lost_events));
}

static struct json_object *
json_lines(const struct covered_line *lines, uint32_t count, bool that_ran)
{
    struct json_object *array = json_object_new_array();
    uint32_t line = 0;
    bool has_run;

    while ((line = next_line(lines, count, line, &has_run)) != 0)
        if (has_run == that_ran)
            json_object_array_add(array, json_object_new_uint64(line));
    return array;
}

static int
put_coverage(struct json_out *json, const struct profile *profile)
{
    const struct gathered *gathered = &profile->gathered;
    struct covered_line *lines = lines_by_file(profile);

    json_out_begin_array(json, "files");
    for (uint32_t i = 0, end; lines && i < gathered->line_count; i = end) {
        struct json_object *object = json_object_new_object();

        end = end_of_file(profile, lines, i);
        json_text(object, "file", profile->codes[lines[i].code].file);
        json_object_object_add(object, "run",
                               json_lines(lines + i, end - i, true));
        json_object_object_add(object, "not_run",
                               json_lines(lines + i, end - i, false));
        json_out_element(json, object);
    }
    json_out_end_array(json);
    json_out_member(json, "lost_lines",
                    json_object_new_uint64(gathered->lost_lines));
    free(lines);
    return lines ? 0 : -ENOMEM;
}

static struct json_object *
json_edge(const struct profile *profile, const struct call_edge *edge,
          bool has_times)
{
    struct json_object *object = json_object_new_object();

    if (edge->caller)
        add_code(object, profile, edge->caller);
    json_number(object, "calls", edge->calls);
    json_number(object, "resumes", edge->resumes);
    if (has_times) {
        json_number(object, "self_ns", edge->self_ns);
        json_number(object, "inclusive_ns", edge->inclusive_ns);
    }
    return object;
}

static struct json_object *
json_called(const struct profile *profile, const struct call_graph *graph,
            const struct called *called)
{
    struct json_object *object = json_object_new_object();
    struct json_object *callers = json_object_new_array();

    add_code(object, profile, called->code);
    json_number(object, "calls", called->calls);
    json_number(object, "resumes", called->resumes);
    if (graph->has_times) {
        json_number(object, "self_ns", called->self_ns);
        json_number(object, "inclusive_ns", called->inclusive_ns);
    }
    for (uint32_t i = 0; i < called->count; i++)
        json_object_array_add(
            callers, json_edge(profile, &graph->edges[called->first + i],
                               graph->has_times));
    json_object_object_add(object, "callers", callers);
    return object;
}

static int
put_call_graph(struct json_out *json, const struct profile *profile)
{
    const struct gathered *gathered = &profile->gathered;
    struct call_graph graph;
    const int result = call_graph_build(&graph, profile);

    json_out_begin_array(json, "calls");
    for (uint32_t i = 0; i < graph.count; i++)
        json_out_element(json,
                         json_called(profile, &graph, &graph.functions[i]));
    json_out_end_array(json);
    json_out_member(json, "lost_calls",
                    json_object_new_uint64(gathered->lost_calls));
    json_out_member(json, "unmatched_returns",
                    json_object_new_uint64(gathered->unmatched));
    json_out_member(json, "abandoned_calls",
                    json_object_new_uint64(gathered->abandoned));
    call_graph_free(&graph);
    return result;
}

int
report_gathered_json(const struct view *view, const struct gathered_wish *wish)
{
    struct json_out json;
    int result = 0, end;

    json_out_begin(&json, view->terminal.out);
    json_out_member(&json, "profile", json_object_new_string(view->path));
    json_out_member(&json, "sessions", json_sessions(&view->profile));
    if (wish->counters)
        put_counts(&json, &view->profile);
    if (wish->coverage)
        result = put_coverage(&json, &view->profile);
    if (wish->callgraph && !result)
        result = put_call_graph(&json, &view->profile);
    json_out_member(&json, "damage", json_damage(&view->profile));
    end = json_out_end(&json);
    return result ? result : end;
}
