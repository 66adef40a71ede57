/* SPDX-License-Identifier: MIT */

/*
 * speedscope's JSON: one profile per thread, its samples in the order of time.
 * Equal stacks in a row become one sample with their summed weight.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../analyse/extra.h"
#include "../analyse/unsampled.h"
#include "export.h"
#include "fold.h"
#include "text.h"

/* No node: the root while the thread waited. */
#define OFF_CPU_ROOT UINT32_MAX

struct run {
    uint64_t weight_ns;
    uint32_t node;
};

struct runs {
    struct run *rows;
    size_t count, room;
};

struct speedscope {
    struct runs *threads;
    uint32_t thread_count;
    struct functions functions;
    struct fold fold;
    uint32_t *labels; /* by frame; then of one path */
};

static int
add_run(struct runs *runs, uint32_t node, uint64_t weight_ns)
{
    if (runs->count && runs->rows[runs->count - 1].node == node) {
        runs->rows[runs->count - 1].weight_ns += weight_ns;
        return 0;
    }
    if (runs->count == runs->room) {
        size_t room = runs->room ? runs->room * 2 : 64;
        struct run *rows = reallocarray(runs->rows, room, sizeof(*rows));

        if (!rows)
            return -ENOMEM;
        runs->rows = rows;
        runs->room = room;
    }
    runs->rows[runs->count++] = (struct run){ weight_ns, node };
    return 0;
}

static int
have_thread(struct speedscope *s, const struct profile *profile,
            uint32_t thread)
{
    struct runs *threads;

    if (thread < s->thread_count)
        return 0;
    threads = reallocarray(s->threads, profile->thread_count, sizeof(*threads));
    if (!threads)
        return -ENOMEM;
    while (s->thread_count < profile->thread_count)
        threads[s->thread_count++] = (struct runs){ 0 };
    s->threads = threads;
    return 0;
}

static int
add_batch(void *user, const struct profile *profile, const struct batch *batch)
{
    struct speedscope *s = user;
    int result = have_thread(s, profile, batch->thread);

    for (uint32_t i = 0; !result && i < batch->count; i++) {
        const bool waits =
            !batch->nodes[i] && batch->states[i] & SAMPLE_OFF_CPU;

        result = add_run(&s->threads[batch->thread],
                         waits ? OFF_CPU_ROOT : batch->nodes[i],
                         batch->weights_ns[i]);
    }
    return result;
}

static uint32_t
extra_node(struct speedscope *s, enum extra extra)
{
    return fold_child(&s->fold, 0, s->functions.count + extra);
}

static uint32_t
node_to_show(struct speedscope *s, uint32_t node)
{
    if (node == OFF_CPU_ROOT)
        return extra_node(s, EXTRA_OFF_CPU);
    return node ? s->fold.of[node] : extra_node(s, EXTRA_NATIVE);
}

/* Now that all nodes are known, by function: again some runs become one. */
static void
fold_runs(struct speedscope *s, struct runs *runs)
{
    size_t count = runs->count;

    runs->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct run run = runs->rows[i];

        /* Cannot fail: there is room for as many as there were. */
        add_run(runs, node_to_show(s, run.node), run.weight_ns);
    }
}

/* It is known of the whole, not when: it stands at the end. */
static int
add_unsampled(struct speedscope *s, const struct profile *profile)
{
    const uint32_t threads = profile->thread_count;
    uint64_t *ns = calloc((size_t)threads + 1, sizeof(*ns));
    int result = ns ? 0 : -1;

    if (threads && have_thread(s, profile, threads - 1))
        result = -1;
    for (uint32_t i = 0; ns && i < s->thread_count; i++)
        for (size_t run = 0; run < s->threads[i].count; run++)
            ns[i] += s->threads[i].rows[run].weight_ns;
    if (ns)
        unsampled_by_thread(profile, ns);
    for (uint32_t i = 0; !result && i < s->thread_count; i++)
        if (ns[i])
            result =
                add_run(&s->threads[i], extra_node(s, EXTRA_UNSAMPLED), ns[i]);
    free(ns);
    return result;
}

static int
fold_by_function(struct speedscope *s, const struct profile *profile)
{
    uint32_t depth = fold_max_depth(profile);
    uint32_t room = profile->frame_count > depth ? profile->frame_count : depth;

    if (functions_find(&s->functions, profile))
        return -1;
    s->labels = calloc((size_t)room + 1, sizeof(*s->labels));
    if (!s->labels)
        return -1;
    for (uint32_t i = 0; i < profile->frame_count; i++)
        s->labels[i] = s->functions.of_code[profile->frames[i].code];
    if (fold_build(&s->fold, profile, s->labels))
        return -1;
    for (uint32_t i = 0; i < EXTRA_COUNT; i++)
        if (extra_node(s, i) == DENSE_NONE)
            return -1;
    for (uint32_t i = 0; i < s->thread_count; i++)
        fold_runs(s, &s->threads[i]);
    return add_unsampled(s, profile);
}

static void
write_frame(const struct code *code, FILE *out)
{
    const char *where = *code->file ? code->file : code->module;

    fputs("{\"name\":", out);
    text_write_json(out, *code->function ? code->function : no_name);
    if (*where) {
        fputs(",\"file\":", out);
        text_write_json(out, where);
    }
    if (code->line)
        fprintf(out, ",\"line\":%" PRIu32, code->line);
    fputs("},\n", out);
}

static void
write_frames(const struct speedscope *s, const struct profile *profile,
             FILE *out)
{
    for (uint32_t i = 0; i < s->functions.count; i++)
        write_frame(&profile->codes[s->functions.code[i]], out);
    for (uint32_t i = 0; i < EXTRA_COUNT; i++)
        fprintf(out, "{\"name\":\"%s\"}%s\n", extra_name(i),
                i + 1 < EXTRA_COUNT ? "," : "");
}

static void
write_stack(struct speedscope *s, uint32_t node, FILE *out)
{
    uint32_t depth = fold_path(&s->fold, node, s->labels);

    putc('[', out);
    while (depth > 0) {
        fprintf(out, "%" PRIu32, s->labels[--depth]);
        if (depth)
            putc(',', out);
    }
    putc(']', out);
}

static void
write_microseconds(uint64_t ns, FILE *out)
{
    fprintf(out, "%" PRIu64, ns / 1000);
    if (ns % 1000)
        fprintf(out, ".%03u", (unsigned)(ns % 1000));
}

static void
write_thread_name(const struct profile *profile, uint32_t index, FILE *out)
{
    const struct thread *thread = &profile->threads[index];
    char *name;

    if (asprintf(&name, "%s (thread %" PRIu64 ")",
                 thread->name ? thread->name : "", thread->id) < 0)
        name = NULL;
    text_write_json(out, name);
    free(name);
}

static void
write_runs(struct speedscope *s, const struct runs *runs, FILE *out)
{
    uint64_t total = 0;

    fputs(",\"unit\":\"microseconds\",\"startValue\":0,\"samples\":[\n", out);
    for (size_t i = 0; i < runs->count; i++) {
        fputs(i ? ",\n" : "", out);
        write_stack(s, runs->rows[i].node, out);
    }
    fputs("],\n\"weights\":[", out);
    for (size_t i = 0; i < runs->count; i++) {
        fputs(i ? "," : "", out);
        write_microseconds(runs->rows[i].weight_ns, out);
        total += runs->rows[i].weight_ns;
    }
    fputs("],\"endValue\":", out);
    write_microseconds(total, out);
}

static void
write_profiles(struct speedscope *s, const struct profile *profile, FILE *out)
{
    const char *separator = "";

    for (uint32_t i = 0; i < s->thread_count; i++) {
        if (!s->threads[i].count)
            continue;
        fprintf(out, "%s{\"type\":\"sampled\",\"name\":", separator);
        write_thread_name(profile, i, out);
        write_runs(s, &s->threads[i], out);
        fputs("}", out);
        separator = ",\n";
    }
}

static void
write_all(struct speedscope *s, const struct export_job *job)
{
    FILE *out = job->output->file;

    fputs("{\"$schema\":"
          "\"https://www.speedscope.app/file-format-schema.json\",\n"
          "\"exporter\":\"vmprof\",\"activeProfileIndex\":0,\"name\":",
          out);
    text_write_json(out, export_title(job));
    fputs(",\"shared\":{\"frames\":[\n", out);
    write_frames(s, &job->profile, out);
    fputs("]},\n\"profiles\":[\n", out);
    write_profiles(s, &job->profile, out);
    fputs("]}\n", out);
}

static void
free_all(struct speedscope *s)
{
    for (uint32_t i = 0; i < s->thread_count; i++)
        free(s->threads[i].rows);
    free(s->threads);
    free(s->labels);
    functions_free(&s->functions);
    fold_free(&s->fold);
}

int
export_speedscope(struct export_job *job)
{
    struct speedscope s = { 0 };
    int result = export_read(job, false, add_batch, &s);

    if (!result && fold_by_function(&s, &job->profile))
        result = export_out_of_memory(job);
    if (!result)
        write_all(&s, job);
    free_all(&s);
    return result;
}
