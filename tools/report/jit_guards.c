/* SPDX-License-Identifier: MIT */

/* Guards, and how often traces were left through them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "jit_view.h"
#include "json_out.h"

struct exits {
    uint32_t guard;
    bool counted;
    uint64_t times;
};

static uint64_t
events_of(const struct jit_view *jit, uint32_t guard)
{
    const struct segments *segments = jit->times.segments;

    return segments && guard < segments->guard_count
               ? segments->guard_exits[guard]
               : 0;
}

bool
guard_fails(const struct jit_view *jit, uint32_t guard, uint64_t *times,
            bool *counted)
{
    const struct trace_guard *at = &jit->traces.guards[guard];

    *counted = at->has_fails;
    *times = at->has_fails ? at->fails : events_of(jit, guard);
    return at->has_fails || events_of(jit, guard);
}

static int
compare(const void *a, const void *b)
{
    const struct exits *left = a, *right = b;

    if (left->times != right->times)
        return left->times < right->times ? 1 : -1;
    return left->guard < right->guard ? -1 : left->guard > right->guard;
}

static struct exits *
order_guards(const struct jit_view *jit, uint32_t *count)
{
    struct exits *order =
        calloc((size_t)jit->traces.guard_count + 1, sizeof(*order));

    *count = 0;
    for (uint32_t i = 1; order && i < jit->traces.guard_count; i++) {
        struct exits *exits = &order[*count];

        exits->guard = i;
        if (jit->trace && jit->traces.guards[i].trace != jit->trace)
            continue;
        if (guard_fails(jit, i, &exits->times, &exits->counted) && exits->times)
            ++*count;
    }
    if (order)
        qsort(order, *count, sizeof(*order), compare);
    return order;
}

static int
print_guard(const struct jit_view *jit, const struct exits *exits)
{
    const struct trace_guard *guard = &jit->traces.guards[exits->guard];
    FILE *out = jit->view.terminal.out;
    char *text = clean_text(guard->text);
    char times[32], from[48], after[32] = "";

    if (!text)
        return -ENOMEM;
    format_count(times, exits->times);
    snprintf(from, sizeof(from), "#%" PRIu32 "+%" PRIu32, guard->trace,
             guard->offset);
    if (guard->bridge)
        snprintf(after, sizeof(after), "  -> #%" PRIu32, guard->bridge);
    fprintf(out, "%13s  %-7s %-14s ", times,
            exits->counted ? "counts" : "events", from);
    terminal_print_last(&jit->view.terminal, 38, text, after);
    free(text);
    return 0;
}

int
report_jit_guards(const struct jit_view *jit)
{
    uint32_t count, shown;
    struct exits *order;
    int result = 0;

    if (!jit->reading)
        return 0;
    order = order_guards(jit, &count);
    if (!order)
        return -ENOMEM;
    shown = count_shown(&jit->view, count);
    if (count)
        terminal_print(&jit->view.terminal, STYLE_HEADING,
                       "\n%13s  %-7s %-14s Guard that failed\n", "Times", "By",
                       "Trace");
    for (uint32_t i = 0; i < shown && !result; i++)
        result = print_guard(jit, &order[i]);
    if (!result)
        print_rest(&jit->view, count, shown);
    free(order);
    return result;
}

static struct json_object *
json_guard(const struct jit_view *jit, uint32_t index)
{
    const struct trace_guard *guard = &jit->traces.guards[index];
    struct json_object *object = json_object_new_object();

    json_number(object, "id", guard->id);
    json_text(object, "text", guard->text);
    if (guard->has_offset)
        json_number(object, "offset", guard->offset);
    json_number(object, "line", jit->traces.places[guard->place].line);
    json_number(object, "bridge", guard->bridge);
    if (guard->has_fails)
        json_number(object, "counted", guard->fails);
    if (jit->times.has_events)
        json_number(object, "exits", events_of(jit, index));
    return object;
}

static int
compare_traces(const void *a, const void *b, void *user)
{
    const uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    const struct trace_guard *guards = user;

    if (guards[left].trace != guards[right].trace)
        return guards[left].trace < guards[right].trace ? -1 : 1;
    return left < right ? -1 : left > right;
}

/* Those of a trace lie together in most files, but nothing says so. */
int
jit_order_guards(struct jit_view *jit)
{
    const uint32_t count = jit->traces.guard_count;

    jit->guards = calloc((size_t)count + 1, sizeof(*jit->guards));
    if (!jit->guards)
        return -ENOMEM;
    for (uint32_t i = 0; i < count; i++)
        jit->guards[i] = i;
    qsort_r(jit->guards, count, sizeof(*jit->guards), compare_traces,
            jit->traces.guards);
    return 0;
}

/* Where those of a trace begin. */
static uint32_t
first_guard(const struct jit_view *jit, uint32_t trace)
{
    uint32_t first = 0, count = jit->traces.guard_count;

    while (count) {
        const uint32_t half = count / 2;

        if (jit->traces.guards[jit->guards[first + half]].trace < trace) {
            first += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return first;
}

struct json_object *
json_jit_guards(const struct jit_view *jit, uint32_t trace)
{
    struct json_object *array = json_object_new_array();

    for (uint32_t i = first_guard(jit, trace);
         i < jit->traces.guard_count &&
         jit->traces.guards[jit->guards[i]].trace == trace;
         i++)
        json_object_array_add(array, json_guard(jit, jit->guards[i]));
    return array;
}
