/* SPDX-License-Identifier: MIT */

/* The timeline of recorded events, for people. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "events_view.h"

enum {
    THREAD_COLUMNS = 14,
    KIND_COLUMNS = 16,
    PLACE_COLUMN = 60,
};

static char *
place_title(const struct events_view *events,
            const struct recorded_event *event)
{
    const struct code *codes = events->view.profile.codes;
    char *callee, *place, *both;

    place = event->has_code ? code_title_at(&codes[event->code], event->line)
                            : strdup("");
    /* Of a call the code may be what is called. */
    if (!event->has_callee || !place ||
        (event->has_code && event->code == event->callee))
        return place;
    callee = code_title_at(&codes[event->callee], 0);
    if (!callee ||
        asprintf(&both, "%s%s-> %s", place, *place ? " " : "", callee) < 0)
        both = NULL;
    free(place);
    free(callee);
    return both;
}

static char *
details(const struct recorded_event *event)
{
    char offset[40] = "", target[40] = "";
    char *text;

    if (event->offset)
        snprintf(offset, sizeof(offset), "  offset %" PRIu64, event->offset);
    if (event->target)
        snprintf(target, sizeof(target), "  target %" PRIu64, event->target);
    return asprintf(&text, "%s%s", offset, target) < 0 ? NULL : text;
}

static void
print_head(const struct events_view *events, size_t index)
{
    const struct recorded_event *event = &events->list.events[index];
    const struct terminal *terminal = &events->view.terminal;
    char duration[32] = "", buffer[32];
    uint64_t duration_ns;

    fprintf(terminal->out, "%5" PRIu64 ".%09" PRIu64 "  ",
            event->time_ns / 1000000000, event->time_ns % 1000000000);
    if (events_duration(events, index, &duration_ns))
        format_time(duration, duration_ns);
    fprintf(terminal->out, "%9s  ", duration);
    terminal_print(terminal, STYLE_HOT, "%-*s  ", KIND_COLUMNS,
                   events_kind_name(event->kind, buffer));
}

/* Each takes what it needs before anything is printed. */
static int
print_event(const struct events_view *events, size_t index)
{
    const struct recorded_event *event = &events->list.events[index];
    const struct terminal *terminal = &events->view.terminal;
    const struct thread *thread = &events->view.profile.threads[event->thread];
    char *name = clean_text(thread->name ? thread->name : "");
    char *place = place_title(events, event), *rest = details(event);
    int result = -ENOMEM;

    if (name && place && rest) {
        print_head(events, index);
        terminal_print_cell(terminal, THREAD_COLUMNS, name);
        fputs("  ", terminal->out);
        terminal_print_last(terminal, PLACE_COLUMN, place, rest);
        result = 0;
    }
    free(name);
    free(place);
    free(rest);
    return result;
}

static void
print_totals(const struct events_view *events)
{
    struct recorded_totals sum;
    char buffer[32];

    recorded_sum(&sum, &events->view.profile);
    terminal_print(&events->view.terminal, STYLE_HEADING,
                   "\n%-*s %15s %15s %15s %15s\n", KIND_COLUMNS, "Kind",
                   "Recorded", "Left out", "Above rate", "No room");
    for (uint32_t kind = 0; kind < RECORDED_KINDS; kind++) {
        const struct recorded_counts *counts = &sum.counts[kind];

        if (!(counts->recorded | counts->left_out | counts->over_rate |
              counts->no_room))
            continue;
        fprintf(events->view.terminal.out,
                "%-*s %15" PRIu64 " %15" PRIu64 " %15" PRIu64 " %15" PRIu64
                "\n",
                KIND_COLUMNS, events_kind_name(kind, buffer), counts->recorded,
                counts->left_out, counts->over_rate, counts->no_room);
    }
}

static int
print_events(const struct events_view *events, uint64_t *count)
{
    const unsigned limit = events->view.limit;
    int result = 0;

    terminal_print(&events->view.terminal, STYLE_HEADING,
                   "%15s  %9s  %-*s  %-*s  %s\n", "Time s", "Duration",
                   KIND_COLUMNS, "Kind", THREAD_COLUMNS, "Thread", "Where");
    for (size_t i = 0; i < events->list.count && !result; i++) {
        const size_t index = events->order[i];

        if (!events_shows(events, &events->list.events[index]))
            continue;
        if (!limit || *count < limit)
            result = print_event(events, index);
        ++*count;
    }
    return result;
}

int
report_events(const struct events_view *events)
{
    const unsigned limit = events->view.limit;
    uint64_t count = 0;
    int result = print_events(events, &count);

    if (!result && !count && events->list.count)
        fprintf(events->view.terminal.out,
                "        none of %zu events; what follows is of all\n",
                events->list.count);
    if (!result && limit && count > limit)
        fprintf(events->view.terminal.out,
                "        and %" PRIu64 " more; --limit 0 shows all\n",
                count - limit);
    if (!result) {
        print_totals(events);
        putc('\n', events->view.terminal.out);
        report_recorded(&events->view);
        report_damage(&events->view);
    }
    return result;
}
