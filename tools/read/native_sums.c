/* SPDX-License-Identifier: MIT */

/* The loop that counts, for all that only want to know sums. */
#include "native_sums.h"

#include <errno.h>
#include <string.h>

#include "native.h"

/*
 * A cell is one word, so that a sample is one addition: the samples in the low
 * bits, and above them their weights in units. MOST_SAMPLES of the heaviest
 * short ones fit.
 */
enum {
    COUNT_BITS = 24,
    MOST_SAMPLES = (1 << COUNT_BITS) - 1,
};

static bool
is_same(const struct native_sums_of *a, const struct native_sums_of *b)
{
    return a->session == b->session && a->thread == b->thread &&
           a->phase == b->phase && a->state == b->state;
}

int
native_sums_begin(struct native *native, const struct native_sums_of *of,
                  uint64_t *room)
{
    struct native_sums *sums = &native->sums;
    int result = 0;

    if (!is_same(&sums->of, of) || sums->sample_count == MOST_SAMPLES)
        result = native_sums_send(native);
    sums->of = *of;
    *room = MOST_SAMPLES - sums->sample_count;
    return result;
}

/* A cell's number is entered in any case, and kept if the cell was empty. */
uint32_t
native_sums_add(struct native_sums *sums, const struct short_block *block,
                uint64_t most, uint32_t *at, uint64_t *elapsed)
{
    const uint64_t end = short_block_end(block, *at, most);
    uint64_t i = *at, used = sums->used_count, units = 0;
    uint32_t count = 0;

    while (i < end && block->size[i]) {
        const uint64_t node = block->node[i];
        const uint64_t before = sums->cells[node];

        sums->used[used] = (uint16_t)node;
        used += before == 0;
        sums->cells[node] =
            before + ((uint64_t)block->weight[i] << COUNT_BITS) + 1;
        units += block->elapsed[i];
        i += block->size[i];
        count++;
    }
    *at = (uint32_t)i;
    *elapsed += units;
    sums->used_count = (uint32_t)used;
    sums->sample_count += count;
    return count;
}

/* Moves a cell into the batch that is sent. */
static void
put_cell(struct native *native, uint32_t cell, uint32_t at)
{
    struct native_sums *sums = &native->sums;
    const struct native_session *session = &native->sessions[sums->of.session];
    const uint64_t sum = sums->cells[cell];
    const uint32_t node = index_map_get(&session->nodes, cell - 1);
    const uint32_t count = sum & MOST_SAMPLES;

    sums->cells[cell] = 0;
    sums->nodes[at] = node == INDEX_LOST ? native->unknown_node : node;
    sums->counts[at] = count;
    sums->weights_ns[at] = (sum >> COUNT_BITS) * session->unit_ns;
    if (node == INDEX_LOST)
        native->profile->damage.samples_unknown += count;
}

static int
send_some(struct native *native, uint32_t from, uint32_t count)
{
    struct native_sums *sums = &native->sums;
    const struct batch batch = {
        .thread = sums->of.thread,
        .count = count,
        .nodes = sums->nodes,
        .counts = sums->counts,
        .weights_ns = sums->weights_ns,
        .phases = sums->phases,
        .states = sums->states,
    };

    for (uint32_t i = 0; i < count; i++)
        put_cell(native, sums->used[from + i], i);
    if (native->on_batch && !native->stopped)
        native->stopped =
            native->on_batch(native->user, native->profile, &batch);
    return native->stopped ? -ECANCELED : 0;
}

int
native_sums_send(struct native *native)
{
    struct native_sums *sums = &native->sums;
    const uint32_t count = sums->used_count;
    int result = 0;

    memset(sums->phases, sums->of.phase, sizeof(sums->phases));
    memset(sums->states, sums->of.state, sizeof(sums->states));
    for (uint32_t i = 0; i < count; i += SUMS_BATCH_SIZE)
        result = send_some(native, i,
                           count - i < SUMS_BATCH_SIZE ? count - i
                                                       : SUMS_BATCH_SIZE);
    sums->used_count = sums->sample_count = 0;
    return result;
}
