/* SPDX-License-Identifier: MIT */

/* How a report of traces names things, and in what order. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "jit_view.h"

static const char *
name_in(const char *const *names, size_t count, uint8_t index)
{
    return index < count ? names[index] : names[0];
}

#define NAME_IN(names, index)                                                  \
    name_in(names, sizeof(names) / sizeof(*(names)), index)

const char *
trace_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        "trace", "loop", "entry bridge", "bridge", "method", "stub",
    };

    return NAME_IN(names, kind);
}

const char *
trace_end_name(uint8_t end)
{
    static const char *const names[] = {
        "unknown", "loop", "jump", "return", "interpreter",
    };

    return NAME_IN(names, end);
}

const char *
section_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        "other", "tracing", "optimising", "backend", "gc", "logging",
    };

    return NAME_IN(names, kind);
}

const char *
trace_clock_name(uint8_t clock)
{
    static const char *const names[] = { "none", "ticks", "ns" };

    return NAME_IN(names, clock);
}

char *
trace_title(const struct traces *traces, uint32_t index)
{
    const struct trace *trace = &traces->traces[index];
    const struct trace_place *place = &traces->places[trace->place];
    char *text = NULL, *clean;
    int size;

    if (!index)
        return strdup("interpreter");
    if (*place->file && place->line)
        size = asprintf(&text, "%s (%s:%" PRIu32 ")", place->function,
                        place->file, place->line);
    else
        size = asprintf(&text, "%s",
                        *place->function ? place->function : trace->name);
    if (size < 0)
        return NULL;
    clean = clean_text(text);
    free(text);
    return clean;
}

void
sum_sections(const struct traces *traces, struct section_sum *sums)
{
    memset(sums, 0, SECTION_KINDS * sizeof(*sums));
    for (uint32_t i = 1; i < traces->section_count; i++) {
        const struct jit_section *section = &traces->sections[i];

        sums[section->kind].self += section->self;
        sums[section->kind].count += section->count;
    }
}

const struct trace_figures *
jit_figures(const struct jit_view *jit, const struct jit_row *row)
{
    return row->folded ? &jit->times.folded[row->trace]
                       : &jit->times.each[row->trace];
}

struct ordered_trace {
    uint64_t first, second, third; /* what counts most */
    uint32_t trace;
};

static struct ordered_trace
keys_of(const struct jit_view *jit, uint32_t index)
{
    const struct trace *trace = &jit->traces.traces[index];
    const struct trace_figures *figures = &jit->times.folded[index];
    struct ordered_trace order = { 0, 0, trace->entries, index };

    if (jit->view.order == BY_TOTAL) {
        order.first =
            jit->times.has_events ? figures->total : figures->total_ns;
    } else {
        order.first = jit->times.has_events ? figures->self : figures->self_ns;
    }
    if (!trace_iterations(&jit->traces, index, &order.second))
        order.second = trace->entries;
    return order;
}

static int
compare(const void *a, const void *b)
{
    const struct ordered_trace *left = a, *right = b;

    if (left->first != right->first)
        return left->first < right->first ? 1 : -1;
    if (left->second != right->second)
        return left->second < right->second ? 1 : -1;
    if (left->third != right->third)
        return left->third < right->third ? 1 : -1;
    return left->trace < right->trace ? -1 : 1;
}

uint32_t *
jit_order(const struct jit_view *jit, uint32_t *count)
{
    const struct traces *traces = &jit->traces;
    struct ordered_trace *order = calloc(traces->trace_count, sizeof(*order));
    uint32_t *result = calloc(traces->trace_count, sizeof(*result));

    *count = 0;
    for (uint32_t i = 1; order && i < traces->trace_count; i++)
        if (traces->traces[i].root == i)
            order[(*count)++] = keys_of(jit, i);
    if (order)
        qsort(order, *count, sizeof(*order), compare);
    for (uint32_t i = 0; order && result && i < *count; i++)
        result[i] = order[i].trace;
    if (!order) {
        free(result);
        return NULL;
    }
    free(order);
    return result;
}

int
jit_groups_make(struct jit_groups *groups, const struct traces *traces)
{
    const uint32_t count = traces->trace_count;

    groups->first = calloc((size_t)count + 2, sizeof(*groups->first));
    groups->members = calloc(count, sizeof(*groups->members));
    if (!groups->first || !groups->members)
        return -ENOMEM;
    /* Where each begins, one place too far, as filling them moves it. */
    for (uint32_t i = 1; i < count; i++)
        groups->first[traces->traces[i].root + 2]++;
    for (uint32_t i = 1; i < count; i++)
        groups->first[i + 1] += groups->first[i];
    for (uint32_t i = 1; i < count; i++)
        groups->members[groups->first[traces->traces[i].root + 1]++] = i;
    return 0;
}

void
jit_groups_free(struct jit_groups *groups)
{
    free(groups->first);
    free(groups->members);
}
