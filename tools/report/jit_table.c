/* SPDX-License-Identifier: MIT */

/* The table of loops. Each column says what its figures were found with. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jit_view.h"

enum {
    TEXT_SIZE = 32,
    MOST_COLUMNS = 12,
};

struct column {
    const char *title, *source;
    int width;
    void (*print)(char text[TEXT_SIZE], const struct jit_view *jit,
                  const struct jit_row *row);
};

static void
print_percent(char text[TEXT_SIZE], uint64_t part, uint64_t whole)
{
    snprintf(text, TEXT_SIZE, "%.2f%%", percent_of(part, whole));
}

static void
event_self(char text[TEXT_SIZE], const struct jit_view *jit,
           const struct jit_row *row)
{
    print_percent(text, jit_figures(jit, row)->self, jit->times.event_time);
}

/* Segments that are too short for the clock make it a guess. */
static void
event_time(char text[TEXT_SIZE], const struct jit_view *jit,
           const struct jit_row *row)
{
    const struct trace_figures *figures = jit_figures(jit, row);

    format_count(text, figures->self);
    if (figures->unreliable)
        strcat(text, "?");
}

static void
event_total(char text[TEXT_SIZE], const struct jit_view *jit,
            const struct jit_row *row)
{
    format_count(text, jit_figures(jit, row)->total);
}

static void
event_entries(char text[TEXT_SIZE], const struct jit_view *jit,
              const struct jit_row *row)
{
    format_count(text, jit_figures(jit, row)->entries);
}

static void
event_per_entry(char text[TEXT_SIZE], const struct jit_view *jit,
                const struct jit_row *row)
{
    const struct trace_figures *figures = jit_figures(jit, row);

    if (figures->entries)
        format_count(text, figures->self / figures->entries);
}

static void
sampled_self(char text[TEXT_SIZE], const struct jit_view *jit,
             const struct jit_row *row)
{
    print_percent(text, jit_figures(jit, row)->self_ns, jit->times.sampled_ns);
}

static void
sampled_time(char text[TEXT_SIZE], const struct jit_view *jit,
             const struct jit_row *row)
{
    format_time(text, jit_figures(jit, row)->self_ns);
}

static void
sampled_total(char text[TEXT_SIZE], const struct jit_view *jit,
              const struct jit_row *row)
{
    print_percent(text, jit_figures(jit, row)->total_ns, jit->times.sampled_ns);
}

static void
counted_entries(char text[TEXT_SIZE], const struct jit_view *jit,
                const struct jit_row *row)
{
    const struct trace *trace = &jit->traces.traces[row->trace];

    if (trace->has_entries)
        format_count(text, trace->entries);
}

static void
counted_rounds(char text[TEXT_SIZE], const struct jit_view *jit,
               const struct jit_row *row)
{
    uint64_t rounds;

    if (trace_iterations(&jit->traces, row->trace, &rounds))
        format_count(text, rounds);
}

static const struct column event_columns[] = {
    { "Self", "events", 0, event_self },
    { "Ticks", "events", 0, event_time },
    { "Total", "events", 0, event_total },
    { "Entries", "events", 0, event_entries },
    { "Per entry", "events", 0, event_per_entry },
};

static const struct column sample_columns[] = {
    { "Self", "sampled", 0, sampled_self },
    { "Time", "sampled", 0, sampled_time },
    { "Total", "sampled", 0, sampled_total },
};

static const struct column count_columns[] = {
    { "Entries", "counts", 0, counted_entries },
    { "Rounds", "counts", 0, counted_rounds },
};

struct columns {
    struct column columns[MOST_COLUMNS];
    unsigned count;
    int width; /* of all, with the spaces behind each */
};

static void
add_columns(struct columns *to, const struct column *from, size_t count)
{
    for (size_t i = 0; i < count && to->count < MOST_COLUMNS; i++)
        to->columns[to->count++] = from[i];
}

#define ADD_COLUMNS(to, from)                                                  \
    add_columns(to, from, sizeof(from) / sizeof(*(from)))

static void
choose_columns(struct columns *columns, const struct jit_view *jit)
{
    columns->count = 0;
    if (jit->times.has_events)
        ADD_COLUMNS(columns, event_columns);
    if (jit->times.has_samples)
        ADD_COLUMNS(columns, sample_columns);
    if (jit->traces.has_counts)
        ADD_COLUMNS(columns, count_columns);
    if (jit->times.has_events && jit->traces.clock == TRACE_CLOCK_NS)
        columns->columns[1].title = "ns";
}

static int
widest(const struct jit_view *jit, const struct column *column,
       const struct jit_row *row, int width)
{
    char text[TEXT_SIZE] = "-";
    int size;

    column->print(text, jit, row);
    size = (int)strlen(text);
    return size > width ? size : width;
}

/* As wide as what is in them. */
static void
measure(struct columns *columns, const struct jit_view *jit)
{
    columns->width = 0;
    for (unsigned i = 0; i < columns->count; i++) {
        struct column *column = &columns->columns[i];

        column->width = (int)strlen(column->title);
        if ((int)strlen(column->source) > column->width)
            column->width = (int)strlen(column->source);
        for (uint32_t k = 1; k < jit->traces.trace_count; k++) {
            column->width = widest(jit, column, &(struct jit_row){ k, false },
                                   column->width);
            column->width = widest(jit, column, &(struct jit_row){ k, true },
                                   column->width);
        }
        columns->width += column->width + 1;
    }
}

static void
print_heading(const struct jit_view *jit, const struct columns *columns)
{
    const struct terminal *terminal = &jit->view.terminal;

    putc('\n', terminal->out);
    for (unsigned i = 0; i < columns->count; i++)
        terminal_print(terminal, STYLE_HEADING, "%*s ",
                       columns->columns[i].width, columns->columns[i].title);
    terminal_print(terminal, STYLE_HEADING, "%5s  Trace\n", "#");
    for (unsigned i = 0; i < columns->count; i++)
        fprintf(terminal->out, "%s%*s", i ? " " : "", columns->columns[i].width,
                columns->columns[i].source);
    putc('\n', terminal->out);
}

/* What it is, behind its title: "loop, with 3 bridges". */
static void
describe(char *text, size_t size, const struct jit_view *jit,
         const struct jit_row *row, uint32_t members)
{
    const struct trace *trace = &jit->traces.traces[row->trace];
    const char *kind = trace_kind_name(trace->kind);

    if (row->folded && members > 1)
        snprintf(text, size, ", %s with %" PRIu32 " bridge%s", kind,
                 members - 1, members == 2 ? "" : "s");
    else if (trace->kind == TRACE_BRIDGE && trace->parent)
        snprintf(text, size, ", bridge from #%" PRIu32, trace->parent);
    else
        snprintf(text, size, ", %s%s", kind, trace->aborted ? ", aborted" : "");
}

static double
share_of(const struct jit_view *jit, const struct jit_row *row)
{
    const struct trace_figures *figures = jit_figures(jit, row);

    return jit->times.has_events
               ? percent_of(figures->self, jit->times.event_time)
               : percent_of(figures->self_ns, jit->times.sampled_ns);
}

static int
print_row(const struct jit_view *jit, const struct columns *columns,
          const struct jit_row *row, uint32_t members)
{
    const struct terminal *terminal = &jit->view.terminal;
    const enum style style = share_of(jit, row) >= 10 ? STYLE_HOT : STYLE_PLAIN;
    char *title = trace_title(&jit->traces, row->trace);
    char after[64];

    if (!title)
        return -ENOMEM;
    for (unsigned i = 0; i < columns->count; i++) {
        char text[TEXT_SIZE] = "-";

        columns->columns[i].print(text, jit, row);
        terminal_print(terminal, style, "%*s ", columns->columns[i].width,
                       text);
    }
    fprintf(terminal->out, "%5" PRIu32 "  %s", row->trace,
            row->folded ? "" : "  ");
    describe(after, sizeof(after), jit, row, members);
    terminal_print_last(terminal,
                        (unsigned)columns->width + (row->folded ? 7 : 9), title,
                        after);
    free(title);
    return 0;
}

static int
print_loop(const struct jit_view *jit, const struct columns *columns,
           const struct jit_groups *groups, uint32_t root)
{
    const uint32_t first = groups->first[root];
    const uint32_t count = groups->first[root + 1] - first;
    int result =
        print_row(jit, columns, &(struct jit_row){ root, true }, count);

    if (!jit->bridges || count == 1)
        return result;
    for (uint32_t i = 0; i < count && !result; i++)
        result = print_row(
            jit, columns,
            &(struct jit_row){ groups->members[first + i], false }, 1);
    return result;
}

int
report_jit_table(const struct jit_view *jit)
{
    uint32_t count;
    uint32_t *order = jit_order(jit, &count);
    const uint32_t shown = count_shown(&jit->view, count);
    struct columns columns;
    struct jit_groups groups = { 0 };
    int result = order ? jit_groups_make(&groups, &jit->traces) : -ENOMEM;

    choose_columns(&columns, jit);
    measure(&columns, jit);
    if (order && count)
        print_heading(jit, &columns);
    for (uint32_t i = 0; i < shown && !result; i++)
        result = print_loop(jit, &columns, &groups, order[i]);
    if (!result)
        print_rest(&jit->view, count, shown);
    if (order && !count)
        fputs("\nNo trace is in this file.\n", jit->view.terminal.out);
    jit_groups_free(&groups);
    free(order);
    return result;
}
