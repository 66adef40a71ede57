/* SPDX-License-Identifier: MIT */

#include "calls.h"

#include <errno.h>
#include <stdlib.h>

#include "intern.h"
#include "unsampled.h"

/* One pass: parents come first, so theirs is known when a node is met. */
static int
fold_nodes(struct calls *calls, uint32_t *call_of,
           const struct profile *profile, const struct tree *tree,
           const struct labels *labels)
{
    struct vmp_intern set = { 0 };
    int result = 0;

    for (uint32_t i = 1; i < profile->node_count; i++) {
        const uint32_t parent = call_of[profile->nodes[i].parent];
        const uint32_t label = labels->of_frame[profile->nodes[i].frame];
        bool is_new;
        int64_t index;
        struct call *call;

        /* What no sample reached, in part of a file, is left out. */
        if (tree->total_ns[i] == 0 && tree->self[i].samples == 0)
            continue;
        index = vmp_intern(&set, parent, label, &is_new);
        if (index < 0) {
            result = -ENOMEM;
            break;
        }
        call_of[i] = (uint32_t)index + 1;
        call = &calls->calls[call_of[i]];
        if (is_new)
            *call = (struct call){ .parent = parent, .label = label };
        call->self_ns += tree->self[i].self_ns;
        call->samples += tree->self[i].samples;
    }
    calls->count = 1 + set.count;
    vmp_intern_free(&set);
    return result;
}

/* Samples without a frame hang from the root under a label of their own. */
static void
add_extra(struct calls *calls, uint32_t label, uint64_t self_ns,
          uint64_t samples)
{
    if (self_ns || samples)
        calls->calls[calls->count++] = (struct call){
            .label = label,
            .self_ns = self_ns,
            .samples = samples,
        };
}

static void
add_extras(struct calls *calls, const struct profile *profile,
           const struct tree *tree, const struct labels *labels)
{
    const struct cell *empty = &tree->self[0];

    add_extra(calls, labels_extra(labels, EXTRA_NATIVE),
              empty->self_ns - tree->empty_off_cpu.self_ns,
              empty->samples - tree->empty_off_cpu.samples);
    add_extra(calls, labels_extra(labels, EXTRA_OFF_CPU),
              tree->empty_off_cpu.self_ns, tree->empty_off_cpu.samples);
    add_extra(calls, labels_extra(labels, EXTRA_UNSAMPLED),
              unsampled_ns(profile, tree), 0);
}

static void
link_children(struct calls *calls)
{
    for (uint32_t i = 0; i < calls->count; i++)
        calls->calls[i].total_ns = calls->calls[i].self_ns;
    for (uint32_t i = calls->count; i-- > 1;) {
        struct call *call = &calls->calls[i];
        struct call *parent = &calls->calls[call->parent];

        parent->total_ns += call->total_ns;
        call->next_sibling = parent->first_child;
        parent->first_child = i;
    }
}

int
calls_make(struct calls *calls, const struct profile *profile,
           const struct tree *tree, const struct labels *labels)
{
    uint32_t *call_of = calloc(profile->node_count, sizeof(*call_of));
    int result = -ENOMEM;

    calls->calls = calloc((size_t)profile->node_count + EXTRA_COUNT,
                          sizeof(*calls->calls));
    calls->count = 0;
    if (call_of && calls->calls)
        result = fold_nodes(calls, call_of, profile, tree, labels);
    free(call_of);
    if (result) {
        calls_free(calls);
        return result;
    }
    add_extras(calls, profile, tree, labels);
    link_children(calls);
    return 0;
}

/*
 * Walks the tree and keeps how often each label is on the way from the root:
 * only its outermost call adds to its total.
 */
static void
sum_rows(struct row *rows, uint32_t *open, const struct calls *calls)
{
    uint32_t at = calls->calls[0].first_child;

    while (at) {
        const struct call *call = &calls->calls[at];
        struct row *row = &rows[call->label];

        row->self_ns += call->self_ns;
        row->samples += call->samples;
        if (open[call->label]++ == 0)
            row->total_ns += call->total_ns;
        if (call->first_child) {
            at = call->first_child;
            continue;
        }
        while (at && !calls->calls[at].next_sibling) {
            open[calls->calls[at].label]--;
            at = calls->calls[at].parent;
        }
        if (at) {
            open[calls->calls[at].label]--;
            at = calls->calls[at].next_sibling;
        }
    }
}

int
rows_make(struct rows *rows, const struct calls *calls,
          const struct labels *labels)
{
    const uint32_t count = labels->count + EXTRA_COUNT;
    uint32_t *open = calloc(count, sizeof(*open));

    rows->rows = calloc(count, sizeof(*rows->rows));
    rows->count = 0;
    if (!open || !rows->rows) {
        free(open);
        rows_free(rows);
        return -ENOMEM;
    }
    sum_rows(rows->rows, open, calls);
    free(open);
    for (uint32_t i = 0; i < count; i++) {
        struct row row = rows->rows[i];
        row.label = i;
        if (row.total_ns || row.samples)
            rows->rows[rows->count++] = row;
    }
    return 0;
}

static int
compare_numbers(uint64_t a, uint64_t b)
{
    return (a < b) - (a > b);
}

/* Falling; labels break ties, so that the same file gives the same report. */
static int
compare_rows(const struct row *a, const struct row *b, enum row_order order)
{
    const int by_self = compare_numbers(a->self_ns, b->self_ns);
    const int by_total = compare_numbers(a->total_ns, b->total_ns);
    const int first = order == BY_SELF ? by_self : by_total;
    const int second = order == BY_SELF ? by_total : by_self;

    if (first || second)
        return first ? first : second;
    return compare_numbers(b->label, a->label);
}

static int
compare_by_self(const void *a, const void *b)
{
    return compare_rows(a, b, BY_SELF);
}

static int
compare_by_total(const void *a, const void *b)
{
    return compare_rows(a, b, BY_TOTAL);
}

void
rows_sort(struct rows *rows, enum row_order order)
{
    if (rows->count)
        qsort(rows->rows, rows->count, sizeof(*rows->rows),
              order == BY_SELF ? compare_by_self : compare_by_total);
}

struct sortable {
    uint64_t total_ns;
    uint32_t index;
};

static int
compare_sortables(const void *a, const void *b)
{
    const struct sortable *left = a, *right = b;
    const int by_total = compare_numbers(left->total_ns, right->total_ns);

    return by_total ? by_total : compare_numbers(right->index, left->index);
}

/* All calls in order, then linked from the last to the first. */
int
calls_sort(struct calls *calls)
{
    struct sortable *order = calloc(calls->count, sizeof(*order));

    if (!order)
        return -ENOMEM;
    for (uint32_t i = 0; i < calls->count; i++) {
        order[i] = (struct sortable){ calls->calls[i].total_ns, i };
        calls->calls[i].first_child = 0;
    }
    qsort(order, calls->count, sizeof(*order), compare_sortables);
    for (uint32_t i = calls->count; i-- > 0;) {
        struct call *call = &calls->calls[order[i].index];
        struct call *parent = &calls->calls[call->parent];

        if (order[i].index == 0)
            continue;
        call->next_sibling = parent->first_child;
        parent->first_child = order[i].index;
    }
    free(order);
    return 0;
}

void
calls_free(struct calls *calls)
{
    free(calls->calls);
    *calls = (struct calls){ 0 };
}

void
rows_free(struct rows *rows)
{
    free(rows->rows);
    *rows = (struct rows){ 0 };
}

uint64_t
thread_unsampled_ns(const struct profile *profile, const struct tree *tree,
                    uint32_t index)
{
    if (tree->partial || !tree_has_thread(tree, profile, index))
        return 0;
    return unsampled_of_thread(profile, index, tree->threads[index].total_ns);
}

uint64_t
unsampled_ns(const struct profile *profile, const struct tree *tree)
{
    uint64_t sum_ns = 0, more_ns = 0;

    for (uint32_t i = 0; i < profile->thread_count; i++) {
        sum_ns += thread_unsampled_ns(profile, tree, i);
        more_ns += excess_of_thread(profile, i, tree->threads[i].total_ns);
    }
    return sum_ns > more_ns ? sum_ns - more_ns : 0;
}
