/* SPDX-License-Identifier: MIT */

/* vmprof events --counters, --coverage, --callgraph: the tables. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <vmprof/event_names.h>

#include "gathered_view.h"

static void
print_lost(const struct view *view, uint64_t count, const char *what)
{
    char number[32];

    if (!count)
        return;
    format_count(number, count);
    terminal_print(&view->terminal, STYLE_WARNING, "%s %s\n", number, what);
}

static int
print_code(const struct view *view, uint32_t code, unsigned column,
           const char *before)
{
    char *name = code_name(&view->profile.codes[code]);

    if (!name)
        return -ENOMEM;
    fputs(before, view->terminal.out);
    terminal_print_last(&view->terminal, column + (unsigned)strlen(before),
                        name, "");
    free(name);
    return 0;
}

static int
by_count(const void *a, const void *b)
{
    const struct event_count *left = a, *right = b;

    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    return (left->code > right->code) - (left->code < right->code);
}

static int
print_count(const struct view *view, const struct event_count *row)
{
    const char *kind = vmprof_event_name(row->kind);
    char count[32];

    format_count(count, row->count);
    fprintf(view->terminal.out, "%15s  %-18s  ", count, kind ? kind : "?");
    if (row->code)
        return print_code(view, row->code, 37, "");
    fputs("(of no function, or of any)\n", view->terminal.out);
    return 0;
}

int
report_event_counts(const struct view *view)
{
    const struct gathered *gathered = &view->profile.gathered;
    const uint32_t shown = count_shown(view, gathered->count_count);
    struct event_count *rows =
        calloc((size_t)gathered->count_count + 1, sizeof(*rows));
    int result = rows ? 0 : -ENOMEM;

    if (rows && gathered->count_count)
        memcpy(rows, gathered->counts, gathered->count_count * sizeof(*rows));
    if (rows)
        qsort(rows, gathered->count_count, sizeof(*rows), by_count);
    terminal_print(&view->terminal, STYLE_HEADING, "\n%15s  %-18s  %s\n",
                   "Count", "Event", "Function");
    for (uint32_t i = 0; i < shown && !result; i++)
        result = print_count(view, &rows[i]);
    print_rest(view, gathered->count_count, shown);
    print_lost(view, gathered->lost_events,
               "events had no room by function, and are counted by kind");
    free(rows);
    return result;
}

/* "3, 7-9": lines that have not run. */
static void
print_missed(const struct view *view, const struct covered_line *lines,
             uint32_t count)
{
    uint32_t line = 0, first = 0, last = 0;
    const char *between = "";
    bool has_run = true;

    do {
        line = next_line(lines, count, line, &has_run);
        if (line && !has_run) {
            first = first ? first : line;
            last = line;
        } else if (first) {
            fprintf(view->terminal.out, "%s%" PRIu32, between, first);
            if (last > first)
                fprintf(view->terminal.out, "-%" PRIu32, last);
            between = ", ";
            first = 0;
        }
    } while (line);
}

static int
print_file(const struct view *view, const struct covered_line *lines,
           uint32_t count)
{
    const char *file = view->profile.codes[lines->code].file;
    char *name = clean_text(*file ? file : "[unknown]");
    struct file_sums sums;

    if (!name)
        return -ENOMEM;
    sum_file(lines, count, &sums);
    fprintf(view->terminal.out, "%9" PRIu32 "  ", sums.run);
    if (sums.known)
        fprintf(view->terminal.out, "%9" PRIu32 "  %5.1f%%  ", sums.known,
                100.0 * sums.run / sums.known);
    else
        fprintf(view->terminal.out, "%9s  %6s  ", "", "");
    fputs(name, view->terminal.out);
    free(name);
    if (sums.known) {
        fputs("  not: ", view->terminal.out);
        print_missed(view, lines, count);
    }
    putc('\n', view->terminal.out);
    return 0;
}

int
report_coverage(const struct view *view)
{
    const struct gathered *gathered = &view->profile.gathered;
    struct covered_line *lines = lines_by_file(&view->profile);
    int result = lines ? 0 : -ENOMEM;

    terminal_print(&view->terminal, STYLE_HEADING, "\n%9s  %9s  %6s  %s\n",
                   "Lines run", "of", "", "File");
    for (uint32_t i = 0, end; i < gathered->line_count && !result; i = end) {
        end = end_of_file(&view->profile, lines, i);
        result = print_file(view, lines + i, end - i);
    }
    print_lost(view, gathered->lost_lines, "sites of lines had no room");
    free(lines);
    return result;
}

static int
print_edge(const struct view *view, const struct call_edge *edge)
{
    char calls[32], resumes[32] = "";

    format_count(calls, edge->calls);
    if (edge->resumes)
        format_count(resumes, edge->resumes);
    fprintf(view->terminal.out, "%15s  %12s  %9s  %9s  ", calls, resumes, "",
            "");
    if (edge->caller)
        return print_code(view, edge->caller, 53, "    from ");
    fputs("    from outside\n", view->terminal.out);
    return 0;
}

static int
print_called(const struct view *view, const struct call_graph *graph,
             const struct called *called)
{
    char calls[32], resumes[32] = "", self[32] = "", inclusive[32] = "";
    int result;

    format_count(calls, called->calls);
    if (called->resumes)
        format_count(resumes, called->resumes);
    if (graph->has_times) {
        format_time(self, called->self_ns);
        format_time(inclusive, called->inclusive_ns);
    }
    fprintf(view->terminal.out, "%15s  %12s  %9s  %9s  ", calls, resumes, self,
            inclusive);
    result = print_code(view, called->code, 53, "");
    for (uint32_t i = 0; i < called->count && !result; i++)
        result = print_edge(view, &graph->edges[called->first + i]);
    return result;
}

int
report_call_graph(const struct view *view)
{
    const struct gathered *gathered = &view->profile.gathered;
    struct call_graph graph;
    int result = call_graph_build(&graph, &view->profile);
    const uint32_t shown = result ? 0 : count_shown(view, graph.count);

    terminal_print(&view->terminal, STYLE_HEADING,
                   "\n%15s  %12s  %9s  %9s  %s\n", "Calls", "Resumes", "Self",
                   "Inclusive", "Function");
    for (uint32_t i = 0; i < shown && !result; i++)
        result = print_called(view, &graph, &graph.functions[i]);
    if (!result)
        print_rest(view, graph.count, shown);
    print_lost(view, gathered->lost_calls, "calls had no room");
    print_lost(view, gathered->unmatched,
               "returns were of calls from before, or on another thread");
    print_lost(view, gathered->abandoned,
               "calls ended without the VM having told of it");
    call_graph_free(&graph);
    return result;
}
