/* SPDX-License-Identifier: MIT */

/*
 * Callgrind's format, for callgrind_annotate and KCachegrind. With counted calls
 * their numbers are exact; samples know of none, and say so in a "desc" line.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <vmprof/version.h>

#include "../analyse/tree.h"
#include "callgrind_graph.h"
#include "export.h"
#include "intern.h"
#include "text.h"

struct callgrind {
    struct graph graph;
    struct tree tree;
    struct vmp_intern files; /* texts by where they are, and their numbers */
    bool *is_named;          /* functions */
    bool has_calls;
    struct text text;
    FILE *out;
};

/* A name comes with its number the first time, and then is the number. */
static int
write_name(struct callgrind *c, const char *key, uint32_t number, bool is_new,
           const char *name)
{
    const char *clean = is_new ? text_clean(&c->text, name) : "";

    if (!clean)
        return -ENOMEM;
    fprintf(c->out, "%s=(%" PRIu32 ")%s%s\n", key, number + 1,
            is_new ? " " : "", clean);
    return 0;
}

static int
write_function(struct callgrind *c, const char *file_key, const char *key,
               uint32_t index)
{
    const struct graph_function *function = &c->graph.functions[index];
    const char *file = *function->file ? function->file : "???";
    const char *name = *function->name ? function->name : "???";
    bool is_new;
    const int64_t number = vmp_intern(
        &c->files, *function->file ? (uintptr_t)file : 0, 0, &is_new);
    int result = number < 0
                     ? -ENOMEM
                     : write_name(c, file_key, (uint32_t)number, is_new, file);

    if (!result)
        result = write_name(c, key, index, !c->is_named[index], name);
    c->is_named[index] = true;
    return result;
}

/* Samples have no numbers of calls to write. */
static void
write_cost(const struct callgrind *c, uint32_t line, uint64_t ns,
           uint64_t calls)
{
    fprintf(c->out, "%" PRIu32 " %" PRIu64, line, ns);
    if (c->has_calls)
        fprintf(c->out, " %" PRIu64, calls);
    putc('\n', c->out);
}

static int
write_edge(struct callgrind *c, const struct graph_edge *edge)
{
    const int result = write_function(c, "cfi", "cfn", edge->callee);

    fprintf(c->out, "calls=%" PRIu64 " %" PRIu32 "\n", edge->calls,
            c->graph.functions[edge->callee].line);
    write_cost(c, c->graph.functions[edge->caller].line, edge->inclusive_ns,
               edge->calls);
    return result;
}

static int
write_functions(struct callgrind *c)
{
    const struct graph *graph = &c->graph;
    uint32_t edge = 0;
    int result = 0;

    for (uint32_t i = 0; i < graph->function_count && !result; i++) {
        const struct graph_function *function = &graph->functions[i];
        const bool calls =
            edge < graph->edge_count && graph->edges[edge].caller == i;

        if (!function->self_ns && !function->calls && !calls)
            continue;
        putc('\n', c->out);
        result = write_function(c, "fl", "fn", i);
        write_cost(c, function->line, function->self_ns, function->calls);
        for (; edge < graph->edge_count && graph->edges[edge].caller == i &&
               !result;
             edge++)
            result = write_edge(c, &graph->edges[edge]);
    }
    return result;
}

static int
write_head(struct callgrind *c, const struct export_job *job)
{
    const char *title = text_clean(&c->text, export_title(job));

    if (!title)
        return -ENOMEM;
    fprintf(c->out,
            "# callgrind format\n"
            "version: 1\n"
            "creator: vmprof " VMPROF_VERSION "\n"
            "cmd: %s\n"
            "desc: Calls: %s\n"
            "positions: line\n"
            "event: ns : Nanoseconds\n",
            title,
            c->has_calls ? "exact, as the VM told of each one; a generator "
                           "that goes on is no call"
                         : "unknown to samples, each is written as 1");
    if (c->has_calls)
        fputs("event: Calls : Calls of functions\n", c->out);
    fputs(c->has_calls ? "events: ns Calls\n" : "events: ns\n", c->out);
    return 0;
}

static int
build(struct callgrind *c, const struct profile *profile)
{
    int result = 0;

    c->has_calls = profile->gathered.has_calls;
    if (c->has_calls)
        result = graph_of_calls(&c->graph, profile);
    else if ((result = tree_finish(&c->tree, profile)) == 0)
        result = graph_of_samples(&c->graph, profile, &c->tree);
    c->is_named =
        calloc((size_t)c->graph.function_count + 1, sizeof(*c->is_named));
    return result ? result : c->is_named ? 0 : -ENOMEM;
}

int
export_callgrind(struct export_job *job)
{
    struct callgrind c = { .out = job->output->file };
    int result = export_read(job, true, tree_add, &c.tree);

    if (!result && (build(&c, &job->profile) || write_head(&c, job) ||
                    write_functions(&c)))
        result = export_out_of_memory(job);
    graph_free(&c.graph);
    tree_free(&c.tree);
    vmp_intern_free(&c.files);
    text_free(&c.text);
    free(c.is_named);
    return result;
}
