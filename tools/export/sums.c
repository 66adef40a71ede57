/* SPDX-License-Identifier: MIT */

#include "sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../analyse/unsampled.h"

/* A key from high to low: node 32 bits, thread 27, phase 3, off CPU 1, held
 * back 1. */
enum {
    THREAD_SHIFT = 5,
    PHASE_SHIFT = 2,
    PHASE_MASK = 7,
    OFF_CPU = 2,
    HELD_BACK = 1,
    MAX_THREADS = 1 << 27,
};

static uint64_t
pack(struct sum_key key)
{
    return (uint64_t)key.node << 32 | key.thread << THREAD_SHIFT |
           key.phase << PHASE_SHIFT | (key.off_cpu ? OFF_CPU : 0) |
           (key.held_back ? HELD_BACK : 0);
}

struct sum_key
sums_key(const struct sums *sums, uint32_t row)
{
    uint64_t key = sums->keys.keys[row];
    uint32_t low = (uint32_t)key;

    return (struct sum_key){
        .node = (uint32_t)(key >> 32),
        .thread = low >> THREAD_SHIFT,
        .phase = low >> PHASE_SHIFT & PHASE_MASK,
        .off_cpu = low & OFF_CPU,
        .held_back = low & HELD_BACK,
    };
}

static int
make_room(struct sums *sums)
{
    uint32_t room = sums->room ? sums->room * 2 : 64;
    struct sum *rows = realloc(sums->rows, room * sizeof(*rows));

    if (!rows)
        return -ENOMEM;
    memset(rows + sums->room, 0, (room - sums->room) * sizeof(*rows));
    sums->rows = rows;
    sums->room = room;
    return 0;
}

int
sums_put(struct sums *sums, struct sum_key key, struct sum sum)
{
    uint32_t row = dense_put(&sums->keys, pack(key));

    if (row == DENSE_NONE || (row >= sums->room && make_room(sums)))
        return -ENOMEM;
    sums->rows[row].samples += sum.samples;
    sums->rows[row].weight_ns += sum.weight_ns;
    return 0;
}

int
sums_add(void *user, const struct profile *profile, const struct batch *batch)
{
    struct sums *const sums = user;
    int result = batch->thread < MAX_THREADS ? 0 : -EOVERFLOW;

    (void)profile;
    for (uint32_t i = 0; !result && i < batch->count; i++) {
        const uint32_t phase = batch->phases[i];
        const uint8_t state = batch->states[i];

        result = sums_put(
            sums,
            (struct sum_key){
                .node = batch->nodes[i],
                .thread = batch->thread,
                .phase = phase <= PHASE_MASK ? phase : 0,
                .off_cpu = state & SAMPLE_OFF_CPU,
                .held_back = sums->tells_held_back && state & SAMPLE_HELD_BACK,
            },
            (struct sum){ batch->counts ? batch->counts[i] : 1,
                          batch->weights_ns[i] });
    }
    return result;
}

static int
put_times(struct sums *sums, const uint64_t *ns, uint32_t count, uint32_t node)
{
    int result = 0;

    for (uint32_t i = 0; !result && i < count; i++)
        if (ns[i])
            result =
                sums_put(sums, (struct sum_key){ .node = node, .thread = i },
                         (struct sum){ 0, ns[i] });
    return result;
}

int
sums_put_unsampled(struct sums *sums, const struct sums *samples,
                   const struct profile *profile, uint32_t node)
{
    const uint32_t threads = profile->thread_count;
    uint64_t *ns = calloc((size_t)threads + 1, sizeof(*ns));
    int result = -ENOMEM;

    if (!ns || node == DENSE_NONE)
        goto done;
    for (uint32_t row = 0; row < samples->keys.count; row++)
        ns[sums_key(samples, row).thread] += samples->rows[row].weight_ns;
    unsampled_by_thread(profile, ns);
    result = put_times(sums, ns, threads, node);
done:
    free(ns);
    return result;
}

void
sums_free(struct sums *sums)
{
    dense_free(&sums->keys);
    free(sums->rows);
    *sums = (struct sums){ 0 };
}
