/* SPDX-License-Identifier: MIT */

/* report --tree: the call tree from the top, biggest branches first. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

enum {
    /* Deeper levels are written as a number, to keep lines readable. */
    MOST_INDENT = 24,
};

/* `calls` is how many calls of the function, each by itself, this stands for. */
static int
print_call(const struct view *view, const struct call *call, unsigned depth,
           unsigned calls)
{
    const double total = percent_of(call->total_ns, view->whole_ns);
    const double self = percent_of(call->self_ns, view->whole_ns);
    const unsigned indent = depth < MOST_INDENT ? depth : MOST_INDENT;
    char *title = function_title(view, &view->functions, call->label);
    char before[16] = "", after[48] = "";

    if (!title)
        return -ENOMEM;
    if (depth > indent)
        snprintf(before, sizeof(before), "[%u] ", depth);
    if (calls > 1)
        snprintf(after, sizeof(after), " [%u calls deep]", calls);
    terminal_print(&view->terminal, total >= 10 ? STYLE_HOT : STYLE_PLAIN,
                   "%6.2f%%", total);
    fprintf(view->terminal.out, "  %6.2f%%  %*s%s", self, (int)(indent * 2), "",
            before);
    terminal_print_last(&view->terminal,
                        18 + indent * 2 + (unsigned)strlen(before), title,
                        after);
    free(title);
    return 0;
}

static bool
is_shown(const struct view *view, const struct calls *calls, uint32_t index)
{
    return index && percent_of(calls->calls[index].total_ns, view->whole_ns) >=
                        view->min_percent;
}

/*
 * The last of a row of calls that are all of their caller's time and of the
 * same function: recursion, which would fill pages.
 */
static uint32_t
end_of_recursion(const struct calls *calls, uint32_t at, unsigned *count)
{
    *count = 1;
    for (;;) {
        const struct call *call = &calls->calls[at];
        const struct call *child = &calls->calls[call->first_child];

        if (!call->first_child || child->label != call->label ||
            child->total_ns != call->total_ns || child->next_sibling)
            return at;
        at = call->first_child;
        *count += 1;
    }
}

/* From a call to the one that is printed next, unless its children are. */
static uint32_t
next_call(const struct calls *calls, uint32_t at, const uint32_t *depths,
          unsigned *depth)
{
    while (at && !calls->calls[at].next_sibling)
        at = calls->calls[at].parent;
    at = at ? calls->calls[at].next_sibling : 0;
    *depth = at ? depths[calls->calls[at].parent] : 0;
    return at;
}

/* `depths` is by call: how deep its children are shown. */
static int
print_calls(const struct view *view, const struct calls *calls,
            uint32_t *depths, uint32_t *hidden)
{
    uint32_t at = calls->calls[0].first_child;
    unsigned depth = 0;

    while (at) {
        unsigned count = 1;

        if (is_shown(view, calls, at)) {
            const uint32_t last = end_of_recursion(calls, at, &count);
            if (print_call(view, &calls->calls[last], depth, count))
                return -ENOMEM;
            at = last;
            depths[at] = depth + 1;
            if (calls->calls[at].first_child) {
                at = calls->calls[at].first_child;
                depth++;
                continue;
            }
        } else {
            *hidden += 1;
        }
        at = next_call(calls, at, depths, &depth);
    }
    return 0;
}

static int
print_tree(const struct view *view, const struct calls *calls)
{
    uint32_t *depths = calloc(calls->count, sizeof(*depths));
    uint32_t hidden = 0;
    int result = -ENOMEM;

    terminal_print(&view->terminal, STYLE_HEADING, "\n%7s  %7s  %s\n", "Total",
                   "Self", "Call tree");
    if (depths)
        result = print_calls(view, calls, depths, &hidden);
    free(depths);
    if (!result && hidden)
        fprintf(view->terminal.out,
                "                  %" PRIu32 " branches below %g %% are not "
                "shown; --min-percent 0 shows all\n",
                hidden, view->min_percent);
    return result;
}

int
report_tree(const struct view *view)
{
    struct calls calls = { 0 };
    int result =
        calls_make(&calls, &view->profile, &view->tree, &view->functions);

    if (!result)
        result = calls_sort(&calls);
    if (!result)
        result = print_tree(view, &calls);
    calls_free(&calls);
    return result;
}
