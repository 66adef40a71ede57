/* SPDX-License-Identifier: MIT */

#include "filter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int
add_run(const struct sample_filter *filter, const struct profile *profile,
        const struct batch *batch, uint32_t from, uint32_t to)
{
    const struct batch run = {
        .thread = batch->thread,
        .count = to - from,
        .nodes = batch->nodes + from,
        .counts = batch->counts ? batch->counts + from : NULL,
        .weights_ns = batch->weights_ns + from,
        .phases = batch->phases + from,
        .states = batch->states + from,
    };

    return tree_add(filter->tree, profile, &run);
}

static bool
is_let_through(const struct sample_filter *filter, const struct batch *batch,
               uint32_t i)
{
    return (filter->phase < 0 || batch->phases[i] == filter->phase) &&
           (!filter->held_back || batch->states[i] & SAMPLE_HELD_BACK);
}

int
sample_filter_add(void *user, const struct profile *profile,
                  const struct batch *batch)
{
    const struct sample_filter *filter = user;
    uint32_t from = 0;
    int result = 0;

    while (from < batch->count && !result) {
        uint32_t to = from;

        while (to < batch->count && is_let_through(filter, batch, to))
            to++;
        if (to > from)
            result = add_run(filter, profile, batch, from, to);
        from = to + 1;
    }
    filter->tree->partial = true;
    return result;
}

static bool
is_named(const struct thread *thread, const char *name)
{
    char id[24];

    snprintf(id, sizeof(id), "%" PRIu64, thread->id);
    return strcmp(thread->name, name) == 0 || strcmp(id, name) == 0;
}

uint32_t
tree_keep_thread(struct tree *tree, const struct profile *profile,
                 const char *name)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < profile->thread_count; i++) {
        if (is_named(&profile->threads[i], name)) {
            kept++;
        } else if (i < tree->thread_count) {
            free(tree->threads[i].cells);
            tree->threads[i] = (struct thread_tree){ 0 };
        }
    }
    tree->only_thread = name;
    return kept;
}

bool
tree_has_thread(const struct tree *tree, const struct profile *profile,
                uint32_t thread)
{
    return !tree->only_thread ||
           is_named(&profile->threads[thread], tree->only_thread);
}
