/* SPDX-License-Identifier: MIT */

/* The tables of a report: functions, lines, threads, phases. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "view.h"

typedef char *(*title_function)(const struct view *view,
                                const struct labels *labels, uint32_t label);

static enum style
style_of(double percent)
{
    return percent >= 10 ? STYLE_HOT : STYLE_PLAIN;
}

static int
print_row(const struct view *view, const struct labels *labels,
          const struct row *row, title_function title_of)
{
    const double self = percent_of(row->self_ns, view->whole_ns);
    const double total = percent_of(row->total_ns, view->whole_ns);
    char self_time[32], total_time[32];
    char *title = title_of(view, labels, row->label);

    if (!title)
        return -ENOMEM;
    format_time(self_time, row->self_ns);
    format_time(total_time, row->total_ns);
    terminal_print(&view->terminal, style_of(self), "%6.2f%%", self);
    fprintf(view->terminal.out, " %9s  ", self_time);
    terminal_print(&view->terminal, style_of(total), "%6.2f%%", total);
    fprintf(view->terminal.out, " %9s  ", total_time);
    terminal_print_last(&view->terminal, 38, title, "");
    free(title);
    return 0;
}

uint32_t
count_shown(const struct view *view, uint32_t count)
{
    return view->limit && view->limit < count ? view->limit : count;
}

void
print_rest(const struct view *view, uint32_t count, uint32_t shown)
{
    if (shown < count)
        fprintf(view->terminal.out,
                "        and %" PRIu32 " more; --limit 0 shows all\n",
                count - shown);
}

static int
print_rows(const struct view *view, const struct labels *labels,
           const struct rows *rows, const char *heading,
           title_function title_of)
{
    const uint32_t shown = count_shown(view, rows->count);
    int result = 0;

    terminal_print(&view->terminal, STYLE_HEADING, "\n%-17s  %-17s  %s\n",
                   "   Self", "  Total", heading);
    for (uint32_t i = 0; i < shown && !result; i++)
        result = print_row(view, labels, &rows->rows[i], title_of);
    print_rest(view, rows->count, shown);
    return result;
}

static int
report_rows(const struct view *view, const struct labels *labels,
            const char *heading, title_function title_of)
{
    struct calls calls = { 0 };
    struct rows rows = { 0 };
    int result = calls_make(&calls, &view->profile, &view->tree, labels);

    if (!result)
        result = rows_make(&rows, &calls, labels);
    if (!result) {
        rows_sort(&rows, view->order);
        result = print_rows(view, labels, &rows, heading, title_of);
    }
    rows_free(&rows);
    calls_free(&calls);
    return result;
}

int
report_functions(const struct view *view)
{
    return report_rows(view, &view->functions, "Function", function_title);
}

int
report_lines(const struct view *view)
{
    return report_rows(view, &view->lines, "Line", line_title);
}

static int
print_thread(const struct view *view, uint32_t index)
{
    const struct thread_tree *sums = &view->tree.threads[index];
    const uint64_t unsampled =
        thread_unsampled_ns(&view->profile, &view->tree, index);
    const double share = percent_of(sums->total_ns, view->whole_ns);
    char *title = thread_title(&view->profile, index);
    char sampled[32], missing[32], samples[32];

    if (!title)
        return -ENOMEM;
    format_time(sampled, sums->total_ns);
    format_time(missing, unsampled);
    format_count(samples, sums->samples);
    terminal_print(&view->terminal, style_of(share), "%6.2f%%", share);
    fprintf(view->terminal.out, " %9s  %9s  %11s  ", sampled,
            unsampled ? missing : "0", samples);
    terminal_print_last(&view->terminal, 43, title, "");
    free(title);
    return 0;
}

struct ordered_thread {
    uint64_t total_ns;
    uint32_t index;
};

static int
compare_threads(const void *a, const void *b)
{
    const struct ordered_thread *left = a, *right = b;

    if (left->total_ns != right->total_ns)
        return left->total_ns < right->total_ns ? 1 : -1;
    return left->index < right->index ? -1 : 1;
}

/* Those that are to be shown; their number goes to `count`. */
static struct ordered_thread *
order_threads(const struct view *view, uint32_t *count)
{
    const struct tree *tree = &view->tree;
    struct ordered_thread *order =
        calloc(tree->thread_count + (size_t)1, sizeof(*order));

    *count = 0;
    if (!order)
        return NULL;
    for (uint32_t i = 0; i < tree->thread_count; i++)
        if (tree_has_thread(tree, &view->profile, i))
            order[(*count)++] =
                (struct ordered_thread){ tree->threads[i].total_ns, i };
    qsort(order, *count, sizeof(*order), compare_threads);
    return order;
}

int
report_threads(const struct view *view)
{
    uint32_t count;
    struct ordered_thread *order = order_threads(view, &count);
    const uint32_t shown = count_shown(view, count);
    int result = order ? 0 : -ENOMEM;

    terminal_print(&view->terminal, STYLE_HEADING, "\n%-17s  %9s  %11s  %s\n",
                   "  Share   Sampled", "Unsampled", "Samples", "Thread");
    for (uint32_t i = 0; i < shown && !result; i++)
        result = print_thread(view, order[i].index);
    print_rest(view, count, shown);
    free(order);
    return result;
}

int
report_phases(const struct view *view)
{
    terminal_print(&view->terminal, STYLE_HEADING, "\n%-17s  %11s  %s\n",
                   "  Share      Time", "Samples", "Phase");
    for (unsigned i = 0; i < PHASE_COUNT; i++) {
        const struct cell *cell = &view->tree.phases[i];
        const double share = percent_of(cell->self_ns, view->whole_ns);
        char time[32], samples[32];

        if (!cell->samples)
            continue;
        format_time(time, cell->self_ns);
        format_count(samples, cell->samples);
        terminal_print(&view->terminal, style_of(share), "%6.2f%%", share);
        fprintf(view->terminal.out, " %9s  %11s  %s\n", time, samples,
                phase_name(i));
    }
    return 0;
}
