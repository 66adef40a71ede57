/* SPDX-License-Identifier: MIT */

/*
 * The data of the page, as compact arrays. Nodes and cells are given as
 * differences to the one before, which keeps their numbers short.
 */
#include "flamegraph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <vmprof/sampler.h>
#include <vmprof/stack.h>

#include "../analyse/extra.h"
#include "../export/fold.h"
#include "../export/sums.h"
#include "../export/text.h"
#include "header.h"
#include "jit.h"
#include "markers.h"
#include "page.h"
#include "types.h"

enum {
    KIND_BITS = 5,
    PHASE_KINDS = 16, /* kind 16 + phase: not a frame but what the VM did */
};

struct view {
    struct functions functions;
    struct fold fold;
    struct sums samples;
    struct sums cells; /* by folded node */
    uint32_t *order;   /* rows of cells: by thread, state and node */
    uint32_t *labels;  /* by frame: function << KIND_BITS | kind */
    struct jit_reading jit;
    struct trace_times times;
    struct tree tree;
    struct recorded_list marked;
};

static uint32_t
kind_bit(uint32_t kind)
{
    return 1u << kind;
}

/* The kinds of frames that already say that a VM is in this phase. */
static uint32_t
kinds_of_phase(uint32_t phase)
{
    switch (phase) {
    case VMPROF_PHASE_TRACING:
    case VMPROF_PHASE_OPTIMISING:
    case VMPROF_PHASE_BACKEND:
        return kind_bit(VMPROF_KIND_JITTING);
    case VMPROF_PHASE_COMPILED:
        return kind_bit(VMPROF_KIND_JITTED) | kind_bit(FRAME_TRACE);
    case VMPROF_PHASE_BLACKHOLE:
        return kind_bit(VMPROF_KIND_BLACKHOLE);
    case VMPROF_PHASE_GC:
        return kind_bit(VMPROF_KIND_GC);
    case VMPROF_PHASE_NATIVE:
        return kind_bit(VMPROF_KIND_NATIVE) | kind_bit(FRAME_ADDRESS);
    default:
        return UINT32_MAX;
    }
}

/* The page numbers these as enum extra does. */
static uint32_t
extra_node(struct view *view, enum extra extra)
{
    return fold_child(&view->fold, 0, extra << KIND_BITS | PHASE_KINDS);
}

/*
 * A phase that the leaf does not show becomes a leaf of its own, and so does
 * an empty stack.
 */
static uint32_t
node_to_show(struct view *view, struct sum_key key)
{
    uint32_t node = view->fold.of[key.node];
    uint32_t kind;

    if (!node && !key.phase)
        return extra_node(view, sum_key_extra(key));
    kind = fold_label(&view->fold, node) & ((1u << KIND_BITS) - 1);
    if (node && kinds_of_phase(key.phase) & kind_bit(kind))
        return node;
    return fold_child(&view->fold, node, PHASE_KINDS + key.phase);
}

static int
add_cells(struct view *view)
{
    int result = 0;

    for (uint32_t row = 0; !result && row < view->samples.keys.count; row++) {
        struct sum_key key = sums_key(&view->samples, row);

        key.node = node_to_show(view, key);
        if (key.node == DENSE_NONE)
            return -1;
        key.phase = 0;
        result = sums_put(&view->cells, key, view->samples.rows[row]);
    }
    return result;
}

static int
add_unsampled(struct view *view, const struct profile *profile)
{
    return sums_put_unsampled(&view->cells, &view->samples, profile,
                              extra_node(view, EXTRA_UNSAMPLED));
}

static int
compare_cells(const void *a, const void *b, void *user)
{
    struct sum_key left = sums_key(user, *(const uint32_t *)a);
    struct sum_key right = sums_key(user, *(const uint32_t *)b);

    if (left.thread != right.thread)
        return left.thread < right.thread ? -1 : 1;
    if (left.off_cpu != right.off_cpu)
        return left.off_cpu ? 1 : -1;
    return left.node < right.node ? -1 : 1;
}

static int
order_cells(struct view *view)
{
    uint32_t count = view->cells.keys.count;

    view->order = calloc((size_t)count + 1, sizeof(*view->order));
    if (!view->order)
        return -1;
    for (uint32_t i = 0; i < count; i++)
        view->order[i] = i;
    qsort_r(view->order, count, sizeof(*view->order), compare_cells,
            &view->cells);
    return 0;
}

static int
fold_by_kind(struct view *view, const struct profile *profile)
{
    if (functions_find(&view->functions, profile))
        return -1;
    view->labels =
        calloc((size_t)profile->frame_count + 1, sizeof(*view->labels));
    if (!view->labels)
        return -1;
    for (uint32_t i = 0; i < profile->frame_count; i++) {
        const struct frame *frame = &profile->frames[i];
        uint32_t kind = frame->kind < PHASE_KINDS ? frame->kind : 0;

        view->labels[i] =
            view->functions.of_code[frame->code] << KIND_BITS | kind;
    }
    return fold_build(&view->fold, profile, view->labels);
}

static void
write_functions(const struct view *view, const struct profile *profile,
                FILE *out)
{
    for (uint32_t i = 0; i < view->functions.count; i++) {
        const struct code *code = &profile->codes[view->functions.code[i]];

        fputs(i ? ",\n[" : "[", out);
        text_write_json(out, code->function);
        putc(',', out);
        text_write_json(out, code->file);
        fprintf(out, ",%" PRIu32, code->line);
        if (*code->module) {
            putc(',', out);
            text_write_json(out, code->module);
        }
        putc(']', out);
    }
}

static void
write_nodes(const struct fold *fold, FILE *out)
{
    fputs("],\n\"parents\":[", out);
    for (uint32_t i = 1; i < fold->nodes.count; i++)
        fprintf(out, "%s%" PRIu32, i > 1 ? "," : "", i - fold_parent(fold, i));
    fputs("],\n\"labels\":[", out);
    for (uint32_t i = 1; i < fold->nodes.count; i++)
        fprintf(out, "%s%" PRIu32, i > 1 ? "," : "", fold_label(fold, i));
    fputs("],\n\"threads\":[", out);
}

/* The end of the cells of one thread and state, from `from` on. */
static uint32_t
end_of_group(const struct view *view, uint32_t from, struct sum_key of)
{
    for (; from < view->cells.keys.count; from++) {
        struct sum_key key = sums_key(&view->cells, view->order[from]);

        if (key.thread != of.thread || key.off_cpu != of.off_cpu)
            break;
    }
    return from;
}

static void
write_group(const struct view *view, uint32_t from, uint32_t end, FILE *out)
{
    uint32_t before = 0;

    fputs(",\"nodes\":[", out);
    for (uint32_t i = from; i < end; i++) {
        uint32_t node = sums_key(&view->cells, view->order[i]).node;

        fprintf(out, "%s%" PRIu32, i > from ? "," : "", node - before);
        before = node;
    }
    fputs("],\"samples\":[", out);
    for (uint32_t i = from; i < end; i++)
        fprintf(out, "%s%" PRIu64, i > from ? "," : "",
                view->cells.rows[view->order[i]].samples);
    fputs("],\"ns\":[", out);
    for (uint32_t i = from; i < end; i++)
        fprintf(out, "%s%" PRIu64, i > from ? "," : "",
                view->cells.rows[view->order[i]].weight_ns);
    fputs("]}", out);
}

/* One entry for what a thread did on the CPU, one for where it waited. */
static void
write_threads(const struct view *view, const struct profile *profile, FILE *out)
{
    for (uint32_t from = 0, end; from < view->cells.keys.count; from = end) {
        struct sum_key key = sums_key(&view->cells, view->order[from]);
        const struct thread *thread = &profile->threads[key.thread];

        end = end_of_group(view, from, key);
        fprintf(out,
                "%s{\"index\":%" PRIu32 ",\"id\":%" PRIu64 ",\"off\":%s,"
                "\"name\":",
                from ? ",\n" : "", key.thread, thread->id,
                key.off_cpu ? "true" : "false");
        text_write_json(out, thread->name);
        write_group(view, from, end, out);
    }
}

static int
add_batch(void *user, const struct profile *profile, const struct batch *batch)
{
    struct view *view = user;
    const int result = jit_reading_batch(&view->jit, profile, batch);

    return result ? result : sums_add(&view->samples, profile, batch);
}

static int
read_profile(struct view *view, struct export_job *job)
{
    const struct read_options *const given = job->options;
    struct read_options options = *given;
    int result;

    jit_reading_open(&view->jit, &view->tree, INNER_COUNT, CALL_NEST);
    jit_reading_options(&view->jit, &options);
    options.on_recorded = markers_add;
    options.recorded_user = &view->marked;
    job->options = &options;
    result = export_read(job, true, add_batch, view);
    job->options = given;
    return result;
}

static int
sum_traces(struct view *view, const struct profile *profile)
{
    if (!profile->traces.private)
        return 0;
    if (tree_finish(&view->tree, profile) ||
        jit_reading_finish(&view->jit, &view->times, profile))
        return -1;
    return 0;
}

static int
write_traces(const struct view *view, const struct export_job *job, FILE *out)
{
    const struct profile *const profile = &job->profile;
    const struct jit_page page = {
        .profile = profile,
        .functions = &view->functions,
        .reading = &view->jit,
        .times = &view->times,
        .source = job->source,
    };

    return profile->traces.private ? write_jit(&page, out) : 0;
}

static int
write_page(const struct view *view, const struct export_job *job)
{
    FILE *out = job->output->file;
    int result;

    fwrite(page_before_data, 1, page_before_data_size, out);
    fputs("{", out);
    write_header(job, out);
    fputs(",\n\"functions\":[", out);
    write_functions(view, &job->profile, out);
    write_nodes(&view->fold, out);
    write_threads(view, &job->profile, out);
    fputs("]", out);
    result = write_types(&job->profile, &view->functions, &view->fold,
                         KIND_BITS, out);
    if (!result)
        result = write_traces(view, job, out);
    if (!result)
        result = write_markers(&job->profile, &view->marked, out);
    fputs("}\n", out);
    fwrite(page_after_data, 1, page_after_data_size, out);
    return result;
}

static void
free_all(struct view *view)
{
    functions_free(&view->functions);
    fold_free(&view->fold);
    sums_free(&view->samples);
    sums_free(&view->cells);
    free(view->order);
    free(view->labels);
    trace_times_free(&view->times);
    jit_reading_free(&view->jit);
    tree_free(&view->tree);
    recorded_free(&view->marked);
}

static int
write_flamegraph(struct export_job *job)
{
    struct view view = { 0 };
    int result = read_profile(&view, job);

    if (!result && (sum_traces(&view, &job->profile) ||
                    fold_by_kind(&view, &job->profile) || add_cells(&view) ||
                    add_unsampled(&view, &job->profile) || order_cells(&view)))
        result = export_out_of_memory(job);
    if (!result && write_page(&view, job))
        result = export_out_of_memory(job);
    free_all(&view);
    return result;
}

const struct exporter flamegraph_exporter = {
    .name = "flamegraph",
    .extension = ".html",
    .run = write_flamegraph,
};
