/* SPDX-License-Identifier: MIT */

/* Where events and samples do not say the same, and which figures are vague. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../analyse/trace_doubts.h"
#include "jit_view.h"
#include "json_out.h"

static void
print_reasons(const struct jit_view *jit, unsigned doubts)
{
    const char *before = ": ";

    for (unsigned bit = 0; bit < DOUBTS; bit++)
        if (doubts >> bit & 1) {
            terminal_print(&jit->view.terminal, STYLE_WARNING, "%s%s", before,
                           trace_doubt_words(bit));
            before = ", ";
        }
    putc('\n', jit->view.terminal.out);
}

static bool
find_difference(const struct jit_view *jit, uint32_t trace, double *points,
                unsigned *doubts)
{
    const struct doubted doubted = {
        .reading = jit->reading,
        .times = &jit->times,
        .traces = &jit->traces,
        .profile = &jit->view.profile,
    };

    return trace_difference(&doubted, trace, points, doubts);
}

static void
print_difference(const struct jit_view *jit, uint32_t trace, uint32_t *count)
{
    double points;
    unsigned doubts;

    if (!find_difference(jit, trace, &points, &doubts) || !doubts)
        return;
    if (jit->view.limit && ++*count > jit->view.limit)
        return;
    terminal_print(&jit->view.terminal, STYLE_WARNING,
                   "#%" PRIu32 ": by events %.1f points %s than by samples",
                   trace, points < 0 ? -points : points,
                   points < 0 ? "less" : "more");
    print_reasons(jit, doubts);
}

static bool
is_any_unreliable(const struct jit_view *jit)
{
    for (uint32_t i = 1; i < jit->times.count; i++)
        if (jit->times.each[i].unreliable || jit->times.folded[i].unreliable)
            return true;
    return false;
}

/* All that a reader must know to trust the table above. */
int
report_jit_doubts(const struct jit_view *jit)
{
    uint32_t count = 0;

    if (!jit->reading)
        return 0;
    if (is_any_unreliable(jit))
        terminal_print(&jit->view.terminal, STYLE_WARNING,
                       "? segments are shorter than five probes, which take "
                       "%" PRIu64 " ns each\n",
                       jit->reading->probe_ns);
    if (jit->reading->calls_differ && jit->times.has_samples)
        fputs(
            "By events a trace has the time of those that it calls, by samples "
            "it has not;\n--calls nest shows both alike.\n",
            jit->view.terminal.out);
    for (uint32_t i = 1; i < jit->times.count; i++)
        if (jit->traces.traces[i].root == i)
            print_difference(jit, i, &count);
    return 0;
}

void
json_jit_doubts(struct json_object *object, const struct jit_view *jit,
                uint32_t trace)
{
    struct json_object *agreement, *reasons;
    double points;
    unsigned doubts;

    if (!jit->reading || !find_difference(jit, trace, &points, &doubts))
        return;
    agreement = json_object_new_object();
    reasons = json_object_new_array();
    json_real(agreement, "points", points);
    json_flag(agreement, "agree", !doubts);
    for (unsigned bit = 0; bit < DOUBTS; bit++)
        if (doubts >> bit & 1)
            json_object_array_add(reasons,
                                  json_object_new_string(trace_doubt_key(bit)));
    json_object_object_add(agreement, "reasons", reasons);
    json_object_object_add(object, "agreement", agreement);
}
