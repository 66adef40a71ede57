/* SPDX-License-Identifier: MIT */

/* Sums while samples pass by; then the totals up the call tree. */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The cell of a node, or the free one where it belongs: it has no samples. The
 * hash is the node itself, as a thread's nodes mostly lie side by side.
 */
static inline struct node_cell *
find_cell(struct node_cell *cells, uint32_t mask, uint32_t node)
{
    uint32_t i = node & mask;

    while (cells[i].node != node && cells[i].self.samples)
        i = (i + 1) & mask;
    return &cells[i];
}

static int
grow_cells(struct thread_tree *thread, uint64_t capacity)
{
    struct node_cell *cells = calloc((size_t)capacity, sizeof(*cells));

    if (!cells || capacity > UINT32_MAX) {
        free(cells);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < thread->capacity; i++)
        if (thread->cells[i].self.samples)
            *find_cell(cells, (uint32_t)capacity - 1, thread->cells[i].node) =
                thread->cells[i];
    free(thread->cells);
    thread->cells = cells;
    thread->capacity = (uint32_t)capacity;
    return 0;
}

/* Make room for `count` more cells, and keep half of all free. */
static int
reserve_cells(struct thread_tree *thread, uint32_t count)
{
    const uint64_t needed = 2 * ((uint64_t)thread->cell_count + count);
    uint64_t capacity = thread->capacity ? thread->capacity : 4;

    if (needed <= thread->capacity)
        return 0;
    while (capacity < needed)
        capacity *= 2;
    return grow_cells(thread, capacity);
}

static inline uint64_t
count_at(const struct batch *batch, uint32_t i)
{
    return batch->counts ? batch->counts[i] : 1;
}

/* Adds to each stack. Returns the sum. */
static struct cell
add_weights(struct thread_tree *thread, const struct batch *batch,
            uint32_t from, uint32_t to)
{
    struct node_cell *const cells = thread->cells;
    const uint32_t mask = thread->capacity - 1;
    uint32_t new_cells = 0;
    struct cell sum = { 0 };

    for (uint32_t i = from; i < to; i++) {
        const uint64_t weight_ns = batch->weights_ns[i];
        const uint64_t samples = count_at(batch, i);
        struct node_cell *cell = find_cell(cells, mask, batch->nodes[i]);

        new_cells += cell->self.samples == 0;
        cell->node = batch->nodes[i];
        cell->self.self_ns += weight_ns;
        cell->self.samples += samples;
        sum.self_ns += weight_ns;
        sum.samples += samples;
    }
    thread->cell_count += new_cells;
    return sum;
}

static void
add_off_cpu(struct thread_tree *thread, const struct batch *batch,
            uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        thread->off_cpu_ns += batch->weights_ns[i];
        if (batch->nodes[i] != 0)
            continue;
        thread->empty_off_cpu.self_ns += batch->weights_ns[i];
        thread->empty_off_cpu.samples += count_at(batch, i);
    }
}

/* Entries from..to have one phase and one state. */
static void
add_run(struct thread_tree *thread, const struct batch *batch, uint32_t from,
        uint32_t to)
{
    const uint8_t phase = batch->phases[from], state = batch->states[from];
    struct cell *cell = &thread->phases[phase < PHASE_COUNT ? phase : 0];
    const struct cell sum = add_weights(thread, batch, from, to);

    cell->self_ns += sum.self_ns;
    cell->samples += sum.samples;
    thread->total_ns += sum.self_ns;
    thread->samples += sum.samples;
    if (state & SAMPLE_LEAF_MISSING)
        thread->leaf_missing += sum.samples;
    if (state & SAMPLE_OFF_CPU)
        add_off_cpu(thread, batch, from, to);
}

/* How many members from `from` on are equal to that one. */
static uint32_t
run_length(const uint8_t *values, uint32_t from, uint32_t count)
{
    uint32_t to = from + 1;

    /* Nearly always all are equal, and memcmp() is fast. */
    if (memcmp(values + from, values + to, count - to) == 0)
        return count - from;
    while (values[to] == values[from])
        to++;
    return to - from;
}

static void
add_runs(struct thread_tree *thread, const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->count;) {
        const uint32_t phases = run_length(batch->phases, i, batch->count);
        const uint32_t states = run_length(batch->states, i, batch->count);
        const uint32_t size = phases < states ? phases : states;

        add_run(thread, batch, i, i + size);
        i += size;
    }
}

static struct thread_tree *
find_thread(struct tree *tree, uint32_t index)
{
    uint32_t more = tree->thread_capacity;
    struct thread_tree *bigger;

    while (more <= index)
        more = more ? more * 2 : 16;
    if (more != tree->thread_capacity) {
        bigger = reallocarray(tree->threads, more, sizeof(*bigger));
        if (!bigger)
            return NULL;
        memset(bigger + tree->thread_capacity, 0,
               (more - tree->thread_capacity) * sizeof(*bigger));
        tree->threads = bigger;
        tree->thread_capacity = more;
    }
    if (index >= tree->thread_count)
        tree->thread_count = index + 1;
    return &tree->threads[index];
}

int
tree_add(void *user, const struct profile *profile, const struct batch *batch)
{
    struct tree *tree = user;
    struct thread_tree *thread = find_thread(tree, batch->thread);

    (void)profile;
    if (!thread || reserve_cells(thread, batch->count))
        return -ENOMEM;
    add_runs(thread, batch);
    return 0;
}

static int
compare_cells(const void *a, const void *b)
{
    const uint32_t left = ((const struct node_cell *)a)->node;
    const uint32_t right = ((const struct node_cell *)b)->node;

    return (left > right) - (left < right);
}

/* The hash table becomes a sorted array. */
static void
finish_thread(struct thread_tree *thread)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < thread->capacity; i++)
        if (thread->cells[i].self.samples)
            thread->cells[count++] = thread->cells[i];
    if (count)
        qsort(thread->cells, count, sizeof(*thread->cells), compare_cells);
}

static void
add_cell(struct cell *to, const struct cell *cell)
{
    to->self_ns += cell->self_ns;
    to->samples += cell->samples;
}

static void
add_thread(struct tree *tree, const struct thread_tree *thread)
{
    for (uint32_t i = 0; i < thread->cell_count; i++)
        add_cell(&tree->self[thread->cells[i].node], &thread->cells[i].self);
    for (uint32_t i = 0; i < PHASE_COUNT; i++)
        add_cell(&tree->phases[i], &thread->phases[i]);
    tree->sum_ns += thread->total_ns;
    tree->samples += thread->samples;
    tree->off_cpu_ns += thread->off_cpu_ns;
    add_cell(&tree->empty_off_cpu, &thread->empty_off_cpu);
    tree->leaf_missing += thread->leaf_missing;
}

/* A parent's index is below its own, so one pass from the end is enough. */
static void
sum_up(struct tree *tree, const struct profile *profile)
{
    for (uint32_t i = 0; i < tree->node_count; i++)
        tree->total_ns[i] = tree->self[i].self_ns;
    for (uint32_t i = tree->node_count; i-- > 1;)
        tree->total_ns[profile->nodes[i].parent] += tree->total_ns[i];
}

static void
leave_out_gaps(struct tree *tree, const struct profile *profile)
{
    for (uint32_t i = 1; i < tree->node_count; i++)
        if (frame_is_gap(&profile->frames[profile->nodes[i].frame]))
            tree->samples -= tree->self[i].samples;
}

int
tree_finish(struct tree *tree, const struct profile *profile)
{
    tree->node_count = profile->node_count;
    /* Also threads without a sample have their place. */
    if (profile->thread_count && !find_thread(tree, profile->thread_count - 1))
        return -ENOMEM;
    tree->self = calloc(tree->node_count, sizeof(*tree->self));
    tree->total_ns = calloc(tree->node_count, sizeof(*tree->total_ns));
    if (!tree->self || !tree->total_ns)
        return -ENOMEM;
    for (uint32_t i = 0; i < tree->thread_count; i++) {
        finish_thread(&tree->threads[i]);
        add_thread(tree, &tree->threads[i]);
    }
    sum_up(tree, profile);
    leave_out_gaps(tree, profile);
    return 0;
}

void
tree_free(struct tree *tree)
{
    for (uint32_t i = 0; i < tree->thread_count; i++)
        free(tree->threads[i].cells);
    free(tree->threads);
    free(tree->self);
    free(tree->total_ns);
    memset(tree, 0, sizeof(*tree));
}
