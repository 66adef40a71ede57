/* SPDX-License-Identifier: MIT */

/* report --json: all tables and the tree, complete. */
#include <errno.h>
#include <stdlib.h>

#include "events_view.h"
#include "json_out.h"
#include "view.h"

static struct json_object *
json_summary(const struct view *view)
{
    const struct profile *profile = &view->profile;
    struct json_object *object = json_object_new_object();
    const uint64_t interval_ns = profile->sessions[0].interval_ns;

    json_number(object, "samples", view->tree.samples);
    json_number(object, "sampled_ns", view->tree.sum_ns);
    json_number(object, "unsampled_ns", view->whole_ns - view->tree.sum_ns);
    json_number(object, "off_cpu_ns", view->tree.off_cpu_ns);
    json_number(object, "samples_without_leaf", view->tree.leaf_missing);
    json_text(object, "mode", mode_name(profile));
    json_text(object, "clock", clock_name(profile->sessions[0].clock));
    json_real(object, "requested_hz",
              interval_ns ? 1e9 / (double)interval_ns : 0);
    json_real(object, "achieved_hz", achieved_hz(&view->tree));
    return object;
}

static void
add_code(struct json_object *object, const struct view *view,
         const struct labels *labels, uint32_t label, bool own_line)
{
    const char *extra = labels_extra_name(labels, label);
    const struct frame *frame;
    const struct code *code;

    if (extra) {
        json_text(object, "function", extra);
        return;
    }
    frame = &view->profile.frames[labels->frame[label]];
    code = &view->profile.codes[frame->code];
    json_text(object, "function", code->function);
    json_text(object, "file",
              own_line && frame->file ? frame->file : code->file);
    json_number(object, "line", own_line ? frame->line : code->line);
    json_text(object, "language", code->language);
    if (*code->module)
        json_text(object, "module", code->module);
}

static struct json_object *
json_row(const struct view *view, const struct labels *labels,
         const struct row *row, bool own_line)
{
    struct json_object *object = json_object_new_object();

    add_code(object, view, labels, row->label, own_line);
    json_number(object, "self_ns", row->self_ns);
    json_number(object, "total_ns", row->total_ns);
    json_number(object, "samples", row->samples);
    json_real(object, "self_percent", percent_of(row->self_ns, view->whole_ns));
    json_real(object, "total_percent",
              percent_of(row->total_ns, view->whole_ns));
    return object;
}

static void
put_rows(struct json_out *json, const struct view *view,
         const struct labels *labels, const struct rows *rows, bool own_line)
{
    json_out_begin_array(json, own_line ? "lines" : "functions");
    for (uint32_t i = 0; i < rows->count; i++)
        json_out_element(json,
                         json_row(view, labels, &rows->rows[i], own_line));
    json_out_end_array(json);
}

/* `place` is each label's index in the array of functions. */
static void
put_calls(struct json_out *json, const struct calls *calls,
          const uint32_t *place)
{
    json_out_begin_array(json, "tree");
    for (uint32_t i = 1; i < calls->count; i++) {
        const struct call *call = &calls->calls[i];
        struct json_object *object = json_object_new_object();

        json_number(object, "id", i);
        json_number(object, "parent", call->parent);
        json_number(object, "function", place[call->label]);
        json_number(object, "self_ns", call->self_ns);
        json_number(object, "total_ns", call->total_ns);
        json_number(object, "samples", call->samples);
        json_out_element(json, object);
    }
    json_out_end_array(json);
}

static int
put_functions_and_tree(struct json_out *json, const struct view *view,
                       const struct calls *calls, struct rows *rows)
{
    uint32_t *place =
        calloc((size_t)view->functions.count + EXTRA_COUNT, sizeof(*place));

    if (!place)
        return -ENOMEM;
    rows_sort(rows, view->order);
    for (uint32_t i = 0; i < rows->count; i++)
        place[rows->rows[i].label] = i;
    put_rows(json, view, &view->functions, rows, false);
    put_calls(json, calls, place);
    free(place);
    return 0;
}

static int
put_lines(struct json_out *json, const struct view *view,
          const struct calls *calls, struct rows *rows)
{
    (void)calls;
    rows_sort(rows, view->order);
    put_rows(json, view, &view->lines, rows, true);
    return 0;
}

static int
put_folded(struct json_out *json, const struct view *view,
           const struct labels *labels,
           int (*put)(struct json_out *, const struct view *,
                      const struct calls *, struct rows *))
{
    struct calls calls = { 0 };
    struct rows rows = { 0 };
    int result = calls_make(&calls, &view->profile, &view->tree, labels);

    if (!result)
        result = rows_make(&rows, &calls, labels);
    if (!result)
        result = put(json, view, &calls, &rows);
    rows_free(&rows);
    calls_free(&calls);
    return result;
}

static struct json_object *
json_phases(const struct cell *phases)
{
    struct json_object *array = json_object_new_array();

    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        struct json_object *object;

        if (!phases[i].samples)
            continue;
        object = json_object_new_object();
        json_text(object, "phase", phase_name(i));
        json_number(object, "self_ns", phases[i].self_ns);
        json_number(object, "samples", phases[i].samples);
        json_object_array_add(array, object);
    }
    return array;
}

static struct json_object *
json_thread(const struct view *view, uint32_t index)
{
    const struct thread *thread = &view->profile.threads[index];
    const struct thread_tree *sums = &view->tree.threads[index];
    struct json_object *object = json_object_new_object();

    json_text(object, "name", thread->name);
    json_number(object, "id", thread->id);
    json_number(object, "session", thread->session);
    json_number(object, "start_ns", thread->start_ns);
    json_number(object, "end_ns", thread->end_ns);
    json_number(object, "cpu_ns", thread->cpu_ns);
    json_number(object, "sampled_ns", sums->total_ns);
    json_number(object, "unsampled_ns",
                thread_unsampled_ns(&view->profile, &view->tree, index));
    json_number(object, "off_cpu_ns", sums->off_cpu_ns);
    json_number(object, "samples", sums->samples);
    json_object_object_add(object, "phases", json_phases(sums->phases));
    return object;
}

static void
put_head(struct json_out *json, const struct view *view)
{
    const struct profile *profile = &view->profile;

    json_out_member(json, "file", json_object_new_string(view->path));
    json_out_member(json, "format", json_object_new_string(profile->format));
    json_out_member(json, "summary", json_summary(view));
    json_out_member(json, "sessions", json_sessions(profile));
    json_out_member(json, "recorded_events", json_recorded(profile));
    json_out_member(json, "losses", json_losses(profile));
    json_out_member(json, "damage", json_damage(profile));
    json_out_member(json, "phases", json_phases(view->tree.phases));
    json_out_begin_array(json, "threads");
    for (uint32_t i = 0; i < profile->thread_count; i++)
        if (tree_has_thread(&view->tree, profile, i))
            json_out_element(json, json_thread(view, i));
    json_out_end_array(json);
}

int
report_json(const struct view *view)
{
    struct json_out json;
    int result;

    json_out_begin(&json, view->terminal.out);
    put_head(&json, view);
    result = put_folded(&json, view, &view->functions, put_functions_and_tree);
    if (!result)
        result = put_folded(&json, view, &view->lines, put_lines);
    return result ? result : json_out_end(&json);
}
