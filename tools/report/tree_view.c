/* SPDX-License-Identifier: MIT */

/* report --tree: the call tree from the top, biggest branches first. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "view.h"

enum {
    /* Deeper levels are written as a number, to keep lines readable. */
    MOST_INDENT = 24,
};

static int
print_call(const struct view *view, const struct call *call, unsigned depth)
{
    const double total = percent_of(call->total_ns, view->whole_ns);
    const double self = percent_of(call->self_ns, view->whole_ns);
    const unsigned indent = depth < MOST_INDENT ? depth : MOST_INDENT;
    char *title = function_title(view, &view->functions, call->label);
    int extra = 0;

    if (!title)
        return -ENOMEM;
    terminal_print(&view->terminal, total >= 10 ? STYLE_HOT : STYLE_PLAIN,
                   "%6.2f%%", total);
    fprintf(view->terminal.out, "  %6.2f%%  %*s", self, (int)(indent * 2), "");
    if (depth > indent)
        extra = fprintf(view->terminal.out, "[%u] ", depth);
    terminal_print_last(&view->terminal, 18 + indent * 2 + (unsigned)extra,
                        title);
    free(title);
    return 0;
}

static bool
is_shown(const struct view *view, const struct calls *calls, uint32_t index)
{
    return index && percent_of(calls->calls[index].total_ns, view->whole_ns) >=
                        view->min_percent;
}

/* Siblings come in falling order: behind the first small one all are small. */
static int
print_calls(const struct view *view, const struct calls *calls,
            uint32_t *hidden)
{
    uint32_t at = calls->calls[0].first_child;
    unsigned depth = 0;
    int result = 0;

    while (at && !result) {
        const struct call *call = &calls->calls[at];

        if (is_shown(view, calls, at)) {
            result = print_call(view, call, depth);
            if (call->first_child) {
                at = call->first_child;
                depth++;
                continue;
            }
        } else {
            *hidden += 1;
        }
        while (at && !calls->calls[at].next_sibling) {
            at = calls->calls[at].parent;
            depth--;
        }
        at = at ? calls->calls[at].next_sibling : 0;
    }
    return result;
}

int
report_tree(const struct view *view)
{
    struct calls calls = { 0 };
    uint32_t hidden = 0;
    int result =
        calls_make(&calls, &view->profile, &view->tree, &view->functions);

    if (!result)
        result = calls_sort(&calls);
    if (!result) {
        terminal_print(&view->terminal, STYLE_HEADING, "\n%7s  %7s  %s\n",
                       "Total", "Self", "Call tree");
        result = print_calls(view, &calls, &hidden);
    }
    if (!result && hidden)
        fprintf(view->terminal.out,
                "                  %" PRIu32 " branches below %g %% are not "
                "shown; --min-percent 0 shows all\n",
                hidden, view->min_percent);
    calls_free(&calls);
    return result;
}
