/* SPDX-License-Identifier: MIT */

/*
 * Collapsed stacks, as flamegraph.pl and others read them: "root;leaf WEIGHT",
 * one line per distinct stack, in microseconds or samples.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "fold.h"
#include "sums.h"
#include "text.h"

struct collapsed {
    struct functions functions;
    struct fold fold;
    struct sums sums;
    struct sums unsampled;
    char **names;     /* by function, then those of time without frames */
    uint32_t *shown;  /* by function: the first function of equal name */
    uint32_t *labels; /* by frame; then of one path */
    uint64_t *values; /* by folded node */
};

/* A semicolon separates frames, and the format knows no escape. */
static char *
single_field(char *name)
{
    for (char *c = name; *c; c++)
        if (*c == ';')
            *c = ':';
    return name;
}

static char *
format_name(const struct code *code, bool with_place)
{
    struct text text = { 0 };
    char *name = NULL;
    char *raw;

    if (with_place) {
        const char *where = *code->file ? code->file : code->module;

        if (asprintf(&raw, "%s (%s:%u)", code->function, where, code->line) < 0)
            return NULL;
    } else {
        raw = strdup(code->function);
    }
    if (raw && text_clean(&text, *raw ? raw : no_name))
        name = single_field(text.data);
    free(raw);
    return name;
}

static int
compare_names(const void *a, const void *b, void *names_by_function)
{
    char **names = names_by_function;
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    int order = strcmp(names[left], names[right]);

    return order ? order : (left > right) - (left < right);
}

/* The end of the run of equal names that begins at `from`. */
static uint32_t
end_of_run(const struct collapsed *c, const uint32_t *sorted, uint32_t from)
{
    uint32_t end = from + 1;

    while (end < c->functions.count &&
           !strcmp(c->names[sorted[from]], c->names[sorted[end]]))
        end++;
    return end;
}

static int
add_place(struct collapsed *c, const struct profile *profile, uint32_t function)
{
    const struct code *code = &profile->codes[c->functions.code[function]];
    char *name = format_name(code, true);

    if (!name)
        return -1;
    free(c->names[function]);
    c->names[function] = name;
    return 0;
}

static void
sort_names(const struct collapsed *c, uint32_t *sorted)
{
    for (uint32_t i = 0; i < c->functions.count; i++)
        sorted[i] = i;
    qsort_r(sorted, c->functions.count, sizeof(*sorted), compare_names,
            c->names);
}

/* Functions that share a name are told apart by their place, if they differ. */
static int
tell_apart(struct collapsed *c, const struct profile *profile, uint32_t *sorted)
{
    sort_names(c, sorted);
    for (uint32_t i = 0, end; i < c->functions.count; i = end) {
        end = end_of_run(c, sorted, i);
        for (uint32_t j = i; end - i > 1 && j < end; j++)
            if (add_place(c, profile, sorted[j]))
                return -1;
    }
    sort_names(c, sorted);
    for (uint32_t i = 0, end; i < c->functions.count; i = end) {
        end = end_of_run(c, sorted, i);
        for (uint32_t j = i; j < end; j++)
            c->shown[sorted[j]] = sorted[i];
    }
    return 0;
}

static int
name_functions(struct collapsed *c, const struct profile *profile)
{
    uint32_t count = c->functions.count;
    uint32_t *sorted = calloc((size_t)count + 1, sizeof(*sorted));
    int result = -1;

    c->names = calloc((size_t)count + EXTRA_COUNT, sizeof(*c->names));
    c->shown = calloc((size_t)count + 1, sizeof(*c->shown));
    if (!c->names || !c->shown || !sorted)
        goto done;
    for (uint32_t i = 0; i < count; i++) {
        c->names[i] = format_name(&profile->codes[c->functions.code[i]], false);
        if (!c->names[i])
            goto done;
    }
    for (uint32_t i = 0; i < EXTRA_COUNT; i++) {
        c->names[count + i] = strdup(extra_name(i));
        if (!c->names[count + i])
            goto done;
    }
    result = tell_apart(c, profile, sorted);
done:
    free(sorted);
    return result;
}

static int
fold_by_name(struct collapsed *c, const struct profile *profile)
{
    uint32_t depth = fold_max_depth(profile);
    uint32_t room = profile->frame_count > depth ? profile->frame_count : depth;

    if (functions_find(&c->functions, profile) || name_functions(c, profile))
        return -1;
    c->labels = calloc((size_t)room + 1, sizeof(*c->labels));
    if (!c->labels)
        return -1;
    for (uint32_t i = 0; i < profile->frame_count; i++)
        c->labels[i] = c->shown[c->functions.of_code[profile->frames[i].code]];
    return fold_build(&c->fold, profile, c->labels);
}

static uint32_t
extra_node(struct collapsed *c, enum extra extra)
{
    return fold_child(&c->fold, 0, c->functions.count + extra);
}

/* Time without frames gets names, too. */
static int
add_extras(struct collapsed *c, const struct profile *profile)
{
    for (uint32_t i = 0; i < EXTRA_COUNT; i++)
        if (extra_node(c, i) == DENSE_NONE)
            return -1;
    return sums_put_unsampled(&c->unsampled, &c->sums, profile,
                              extra_node(c, EXTRA_UNSAMPLED));
}

static uint32_t
node_to_show(struct collapsed *c, struct sum_key key)
{
    const uint32_t node = c->fold.of[key.node];

    return node ? node : extra_node(c, sum_key_extra(key));
}

static int
add_values(struct collapsed *c, enum export_value value)
{
    c->values = calloc(c->fold.nodes.count, sizeof(*c->values));
    if (!c->values)
        return -1;
    for (uint32_t row = 0; row < c->sums.keys.count; row++) {
        const struct sum *sum = &c->sums.rows[row];

        c->values[node_to_show(c, sums_key(&c->sums, row))] +=
            value == EXPORT_SAMPLES ? sum->samples : sum->weight_ns;
    }
    for (uint32_t row = 0; row < c->unsampled.keys.count; row++)
        if (value == EXPORT_TIME)
            c->values[sums_key(&c->unsampled, row).node] +=
                c->unsampled.rows[row].weight_ns;
    return 0;
}

static void
write_stack(struct collapsed *c, uint32_t node, uint64_t value, FILE *out)
{
    uint32_t depth = fold_path(&c->fold, node, c->labels);

    while (depth > 0) {
        fputs(c->names[c->labels[--depth]], out);
        if (depth)
            putc(';', out);
    }
    fprintf(out, " %" PRIu64 "\n", value);
}

static int
write_stacks(struct collapsed *c, const struct export_job *job)
{
    for (uint32_t node = 0; node < c->fold.nodes.count; node++) {
        uint64_t value = c->values[node];

        if (job->value == EXPORT_TIME)
            value = (value + 500) / 1000;
        if (value)
            write_stack(c, node, value, job->output->file);
    }
    return 0;
}

static void
free_all(struct collapsed *c)
{
    for (uint32_t i = 0; c->names && i < c->functions.count + EXTRA_COUNT; i++)
        free(c->names[i]);
    free(c->names);
    free(c->shown);
    free(c->labels);
    free(c->values);
    functions_free(&c->functions);
    fold_free(&c->fold);
    sums_free(&c->sums);
    sums_free(&c->unsampled);
}

int
export_collapsed(struct export_job *job)
{
    struct collapsed c = { 0 };
    int result = export_read(job, true, sums_add, &c.sums);

    if (!result &&
        (fold_by_name(&c, &job->profile) || add_extras(&c, &job->profile) ||
         add_values(&c, job->value) || write_stacks(&c, job)))
        result = export_out_of_memory(job);
    free_all(&c);
    return result;
}
