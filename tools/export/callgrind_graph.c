/* SPDX-License-Identifier: MIT */

#include "callgrind_graph.h"

#include <errno.h>
#include <stdlib.h>

#include "../analyse/calls.h"
#include "intern.h"

static const char outside[] = "[outside]";

static uint64_t
add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static int
by_caller(const void *a, const void *b)
{
    const struct graph_edge *left = a, *right = b;

    if (left->caller != right->caller)
        return left->caller < right->caller ? -1 : 1;
    return (left->callee > right->callee) - (left->callee < right->callee);
}

static int
make_room(struct graph *graph, size_t functions, size_t edges)
{
    graph->functions = calloc(functions + 1, sizeof(*graph->functions));
    graph->edges = calloc(edges + 1, sizeof(*graph->edges));
    return graph->functions && graph->edges ? 0 : -ENOMEM;
}

static void
sort_edges(struct graph *graph)
{
    qsort(graph->edges, graph->edge_count, sizeof(*graph->edges), by_caller);
}

/* A function by its code's index; `places` has them plus 1. */
static uint32_t
function_of(struct graph *graph, const struct profile *profile,
            uint32_t *places, uint32_t index)
{
    const struct code *code = &profile->codes[index];

    if (!places[index]) {
        graph->functions[graph->function_count] = (struct graph_function){
            .name = index ? code->function : outside,
            .file = index ? code->file : "",
            .line = index ? code->line : 0,
        };
        places[index] = ++graph->function_count;
    }
    return places[index] - 1;
}

static void
take_call(struct graph *graph, const struct profile *profile, uint32_t *places,
          const struct call_edge *call)
{
    const uint32_t caller = function_of(graph, profile, places, call->caller);
    const uint32_t callee = function_of(graph, profile, places, call->callee);
    struct graph_function *function = &graph->functions[callee];

    function->self_ns = add_up(function->self_ns, call->self_ns);
    function->calls = add_up(function->calls, call->calls);
    graph->edges[graph->edge_count++] = (struct graph_edge){
        .caller = caller,
        .callee = callee,
        .calls = call->calls,
        .inclusive_ns = call->inclusive_ns,
    };
}

int
graph_of_calls(struct graph *graph, const struct profile *profile)
{
    const struct gathered *gathered = &profile->gathered;
    uint32_t *places = calloc((size_t)profile->code_count + 1, sizeof(*places));
    int result =
        places ? make_room(graph, profile->code_count, gathered->call_count)
               : -ENOMEM;

    for (uint32_t i = 0; i < gathered->call_count && !result; i++)
        if (gathered->calls[i].caller != CALLER_ANY)
            take_call(graph, profile, places, &gathered->calls[i]);
    if (!result)
        sort_edges(graph);
    free(places);
    return result;
}

/* Whether the same call is under way further out: the outermost has the time
 * of a recursion. */
static bool
is_inner(const struct calls *calls, uint32_t index)
{
    const uint32_t label = calls->calls[index].label;
    const uint32_t caller = calls->calls[calls->calls[index].parent].label;

    for (uint32_t i = calls->calls[index].parent; i; i = calls->calls[i].parent)
        if (calls->calls[i].parent && calls->calls[i].label == label &&
            calls->calls[calls->calls[i].parent].label == caller)
            return true;
    return false;
}

static int
take_path(struct graph *graph, const struct calls *calls,
          struct vmp_intern *pairs, uint32_t index)
{
    const struct call *call = &calls->calls[index];
    const uint32_t caller = calls->calls[call->parent].label;
    bool is_new;
    const int64_t edge = vmp_intern(pairs, caller, call->label, &is_new);

    if (edge < 0)
        return -ENOMEM;
    if (is_new)
        graph->edges[graph->edge_count++] =
            (struct graph_edge){ caller, call->label, 1, 0 };
    if (!is_inner(calls, index))
        graph->edges[edge].inclusive_ns += call->total_ns;
    return 0;
}

static int
take_tree(struct graph *graph, const struct calls *calls)
{
    struct vmp_intern pairs = { 0 };
    int result = 0;

    for (uint32_t i = 1; i < calls->count && !result; i++) {
        graph->functions[calls->calls[i].label].self_ns +=
            calls->calls[i].self_ns;
        if (calls->calls[i].parent)
            result = take_path(graph, calls, &pairs, i);
    }
    vmp_intern_free(&pairs);
    return result;
}

static void
name_labels(struct graph *graph, const struct profile *profile,
            const struct labels *labels)
{
    graph->function_count = labels->count + EXTRA_COUNT;
    for (uint32_t i = 0; i < graph->function_count; i++) {
        const char *extra = labels_extra_name(labels, i);
        const struct code *code =
            extra ? NULL
                  : &profile->codes[profile->frames[labels->frame[i]].code];

        graph->functions[i] = (struct graph_function){
            .name = extra ? extra : code->function,
            .file = extra         ? ""
                    : *code->file ? code->file
                                  : code->module,
            .line = extra ? 0 : code->line,
        };
    }
}

int
graph_of_samples(struct graph *graph, const struct profile *profile,
                 const struct tree *tree)
{
    struct labels labels = { 0 };
    struct calls calls = { 0 };
    int result = labels_by_function(&labels, profile);

    if (!result)
        result = calls_make(&calls, profile, tree, &labels);
    if (!result)
        result =
            make_room(graph, (size_t)labels.count + EXTRA_COUNT, calls.count);
    if (!result) {
        name_labels(graph, profile, &labels);
        result = take_tree(graph, &calls);
        sort_edges(graph);
    }
    calls_free(&calls);
    labels_free(&labels);
    return result;
}

void
graph_free(struct graph *graph)
{
    free(graph->functions);
    free(graph->edges);
}
