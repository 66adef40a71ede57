/* SPDX-License-Identifier: MIT */

/* What went from one trace to another, and the JIT's own time. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jit_view.h"

/* A loop and its entry bridge may well be of the same line. */
static void
print_end(const struct jit_view *jit, const char *count, uint32_t trace,
          const char *title)
{
    FILE *out = jit->view.terminal.out;

    fprintf(out, "%13s  ", count);
    if (trace && trace != TRANSITION_UNKNOWN)
        fprintf(out, "#%" PRIu32 " ", trace);
    fputs(title, out);
}

static int
print_transition(const struct jit_view *jit,
                 const struct transition *transition)
{
    char *from = transition->from == TRANSITION_UNKNOWN
                     ? strdup("not known")
                     : trace_title(&jit->traces, transition->from);
    char *to = trace_title(&jit->traces, transition->to);
    char count[32];

    if (from && to) {
        format_count(count, transition->count);
        print_end(jit, count, transition->from, from);
        fputs(" -> ", jit->view.terminal.out);
        if (transition->to)
            fprintf(jit->view.terminal.out, "#%" PRIu32 " ", transition->to);
        terminal_print_last(&jit->view.terminal, 30 + text_columns(from), to,
                            "");
    }
    free(from);
    free(to);
    return from && to ? 0 : -ENOMEM;
}

int
report_jit_transitions(const struct jit_view *jit)
{
    const struct segments *segments = jit->times.segments;
    uint32_t count = segments ? segments->transition_count : 0;
    struct transition *sorted;
    const uint32_t shown = count_shown(&jit->view, count);
    int result = 0;

    if (!count)
        return 0;
    sorted = transitions_sorted(segments);
    if (!sorted)
        return -ENOMEM;
    terminal_print(&jit->view.terminal, STYLE_HEADING, "\n%13s  Transition\n",
                   "Times");
    fprintf(jit->view.terminal.out, "%13s\n", "events");
    for (uint32_t i = 0; i < shown && !result; i++)
        result = print_transition(jit, &sorted[i]);
    if (!result)
        print_rest(&jit->view, count, shown);
    free(sorted);
    return result;
}

static void
print_section_sum(const struct jit_view *jit, unsigned kind,
                  const struct section_sum *sum)
{
    const uint64_t whole = jit->traces.last_time - jit->traces.first_time;
    char ticks[32], count[32];

    if (!sum->count)
        return;
    format_count(ticks, sum->self);
    format_count(count, sum->count);
    fprintf(jit->view.terminal.out, "%6.2f%% %17s %11s  %s\n",
            percent_of(sum->self, whole), ticks, count,
            section_kind_name((uint8_t)kind));
}

static int
print_total(const struct jit_view *jit, const struct jit_total *total)
{
    char *name = clean_text(total->name);
    char time[32], count[32] = "";

    if (!name)
        return -ENOMEM;
    format_time(time, (uint64_t)(total->seconds * 1e9));
    if (total->has_count)
        format_count(count, total->count);
    if (total->has_seconds || total->count)
        fprintf(jit->view.terminal.out, "%9s %15s  %s\n",
                total->has_seconds ? time : "", count, name);
    free(name);
    return 0;
}

/* What the log says of the compiler and the collector, by its own times, and
 * what the VM said itself at its end. */
int
report_jit_sections(const struct jit_view *jit)
{
    struct section_sum sums[SECTION_KINDS];
    const struct terminal *terminal = &jit->view.terminal;
    int result = 0;

    sum_sections(&jit->traces, sums);
    if (jit->traces.section_count > 1) {
        terminal_print(terminal, STYLE_HEADING, "\n%7s %17s %11s  Phase\n",
                       "Share", "Ticks", "Times");
        fprintf(terminal->out, "%7s %17s %11s\n", "events", "events", "events");
    }
    for (unsigned i = 0; i < SECTION_KINDS; i++)
        print_section_sum(jit, i, &sums[i]);
    if (jit->traces.total_count > 1)
        terminal_print(terminal, STYLE_HEADING,
                       "\n%9s %15s  Summary\n%9s "
                       "%15s\n",
                       "Time", "Count", "counts", "counts");
    for (uint32_t i = 1; i < jit->traces.total_count && !result; i++)
        result = print_total(jit, &jit->traces.totals[i]);
    return result;
}
