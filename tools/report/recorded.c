/* SPDX-License-Identifier: MIT */

/* What reports of all kinds say of recorded events. */
#include <inttypes.h>

#include "events_view.h"
#include "json_out.h"

static bool
has_any(const struct profile *profile)
{
    for (uint32_t i = 0; i < profile->session_count; i++)
        if (profile->sessions[i].recorded)
            return true;
    return false;
}

static void
print_part(FILE *out, uint64_t count, const char *words)
{
    char number[32];

    if (!count)
        return;
    format_count(number, count);
    fprintf(out, ", %s %s", number, words);
}

static void
print_settings(FILE *out, const struct recorded_totals *sum)
{
    char number[32];

    if (sum->period > 1) {
        format_count(number, sum->period);
        fprintf(out, ", 1 in %s", number);
    }
    if (sum->rate) {
        format_count(number, sum->rate);
        fprintf(out, ", at most %s a second and thread", number);
    }
}

void
report_recorded(const struct view *view)
{
    FILE *out = view->terminal.out;
    struct recorded_totals sum;
    struct recorded_counts count;
    char recorded[32];

    if (!has_any(&view->profile))
        return;
    recorded_sum(&sum, &view->profile);
    count = recorded_count(&sum);
    format_count(recorded, count.recorded);
    print_title(view, "Events");
    fprintf(out, "%s recorded", recorded);
    print_settings(out, &sum);
    print_part(out, count.left_out, "left out by choice");
    print_part(out, count.over_rate, "lost above the rate");
    print_part(out, count.no_room, "lost because the buffer was full");
    print_part(out, sum.lost_in_file, "lost with a part of the file");
    putc('\n', out);
}

static struct json_object *
json_kind(uint32_t kind, const struct recorded_counts *counts)
{
    struct json_object *object = json_object_new_object();
    char buffer[32];

    json_text(object, "kind", events_kind_name(kind, buffer));
    json_number(object, "recorded", counts->recorded);
    json_number(object, "left_out", counts->left_out);
    json_number(object, "over_rate", counts->over_rate);
    json_number(object, "no_room", counts->no_room);
    return object;
}

static struct json_object *
json_kinds(const struct recorded_totals *sum)
{
    struct json_object *array = json_object_new_array();

    for (uint32_t kind = 0; kind < RECORDED_KINDS; kind++) {
        const struct recorded_counts *counts = &sum->counts[kind];

        if (counts->recorded | counts->left_out | counts->over_rate |
            counts->no_room)
            json_object_array_add(array, json_kind(kind, counts));
    }
    return array;
}

struct json_object *
json_recorded(const struct profile *profile)
{
    struct json_object *object = json_object_new_object();
    struct recorded_totals sum;
    struct recorded_counts count;

    recorded_sum(&sum, profile);
    count = recorded_count(&sum);
    json_number(object, "recorded", count.recorded);
    json_number(object, "left_out", count.left_out);
    json_number(object, "over_rate", count.over_rate);
    json_number(object, "no_room", count.no_room);
    json_number(object, "lost_in_file", sum.lost_in_file);
    json_number(object, "period", sum.period);
    json_number(object, "rate", sum.rate);
    json_object_object_add(object, "kinds", json_kinds(&sum));
    return object;
}
