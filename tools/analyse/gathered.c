/* SPDX-License-Identifier: MIT */

#include "gathered.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
by_file(const void *a, const void *b, void *user)
{
    const struct profile *profile = user;
    const struct covered_line *left = a, *right = b;
    const int order = strcmp(profile->codes[left->code].file,
                             profile->codes[right->code].file);

    if (order)
        return order;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return (left->code > right->code) - (left->code < right->code);
}

struct covered_line *
lines_by_file(const struct profile *profile)
{
    const struct gathered *gathered = &profile->gathered;
    struct covered_line *lines =
        calloc((size_t)gathered->line_count + 1, sizeof(*lines));

    if (!lines || !gathered->line_count)
        return lines;
    memcpy(lines, gathered->lines, gathered->line_count * sizeof(*lines));
    qsort_r(lines, gathered->line_count, sizeof(*lines), by_file,
            (void *)(uintptr_t)profile);
    return lines;
}

uint32_t
end_of_file(const struct profile *profile, const struct covered_line *lines,
            uint32_t first)
{
    const char *file = profile->codes[lines[first].code].file;
    uint32_t end = first + 1;

    while (end < profile->gathered.line_count &&
           profile->codes[lines[end].code].file == file)
        end++;
    return end;
}

uint32_t
next_line(const struct covered_line *lines, uint32_t count, uint32_t line,
          bool *has_run)
{
    uint32_t low = 0, high = count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (lines[middle].line <= line)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count)
        return 0;
    line = lines[low].line;
    for (*has_run = false; low < count && lines[low].line == line; low++)
        *has_run = *has_run || lines[low].has_run;
    return line;
}

void
sum_file(const struct covered_line *lines, uint32_t count,
         struct file_sums *sums)
{
    uint32_t line = 0;
    bool has_run;

    memset(sums, 0, sizeof(*sums));
    while ((line = next_line(lines, count, line, &has_run)) != 0) {
        sums->known++;
        sums->run += has_run;
    }
    if (sums->known == sums->run)
        sums->known = 0;
}

static int
by_callee(const void *a, const void *b)
{
    const struct call_edge *left = a, *right = b;

    if (left->callee != right->callee)
        return left->callee < right->callee ? -1 : 1;
    if (left->calls != right->calls)
        return left->calls > right->calls ? -1 : 1;
    return (left->caller > right->caller) - (left->caller < right->caller);
}

static int
by_weight(const void *a, const void *b)
{
    const struct called *left = a, *right = b;

    if (left->self_ns != right->self_ns)
        return left->self_ns > right->self_ns ? -1 : 1;
    if (left->calls != right->calls)
        return left->calls > right->calls ? -1 : 1;
    return (left->code > right->code) - (left->code < right->code);
}

static uint64_t
add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static void
add_edge(struct call_graph *graph, const struct call_edge *edge, uint32_t *kept)
{
    struct called *to =
        graph->count ? &graph->functions[graph->count - 1] : NULL;

    if (!to || to->code != edge->callee) {
        to = &graph->functions[graph->count++];
        *to = (struct called){ .code = edge->callee, .first = *kept };
    }
    if (edge->caller == CALLER_ANY) {
        to->inclusive_ns = add_up(to->inclusive_ns, edge->inclusive_ns);
        return;
    }
    to->calls = add_up(to->calls, edge->calls);
    to->resumes = add_up(to->resumes, edge->resumes);
    to->self_ns = add_up(to->self_ns, edge->self_ns);
    to->count++;
    graph->edges[(*kept)++] = *edge;
}

int
call_graph_build(struct call_graph *graph, const struct profile *profile)
{
    const struct gathered *gathered = &profile->gathered;
    uint32_t kept = 0;

    memset(graph, 0, sizeof(*graph));
    graph->edges =
        calloc((size_t)gathered->call_count + 1, sizeof(*graph->edges));
    graph->functions =
        calloc((size_t)gathered->call_count + 1, sizeof(*graph->functions));
    if (!graph->edges || !graph->functions)
        return -ENOMEM;
    if (gathered->call_count)
        memcpy(graph->edges, gathered->calls,
               gathered->call_count * sizeof(*graph->edges));
    qsort(graph->edges, gathered->call_count, sizeof(*graph->edges), by_callee);
    for (uint32_t i = 0; i < gathered->call_count; i++) {
        const struct call_edge edge = graph->edges[i];

        graph->has_times =
            graph->has_times || edge.self_ns || edge.inclusive_ns;
        add_edge(graph, &edge, &kept);
    }
    qsort(graph->functions, graph->count, sizeof(*graph->functions), by_weight);
    return 0;
}

void
call_graph_free(struct call_graph *graph)
{
    free(graph->functions);
    free(graph->edges);
}
