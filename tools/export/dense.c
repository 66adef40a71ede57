/* SPDX-License-Identifier: MIT */

/* A hash table from keys to their numbers, half full at most. */
#include "dense.h"

#include <stdlib.h>

enum {
    FIRST_SLOTS = 64,
    MAX_SLOTS = 1 << 30,
};

static uint64_t
mix(uint64_t key)
{
    key = (key ^ (key >> 33)) * 0xff51afd7ed558ccdULL;
    key = (key ^ (key >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return key ^ (key >> 33);
}

/* The slot that holds `key`, or the free one where it belongs. */
static uint32_t *
find_slot(const struct dense *dense, uint64_t key)
{
    uint32_t mask = dense->slot_count - 1;
    uint32_t at = (uint32_t)mix(key) & mask;

    while (dense->slots[at] && dense->keys[dense->slots[at] - 1] != key)
        at = (at + 1) & mask;
    return &dense->slots[at];
}

static int
grow(struct dense *dense)
{
    uint32_t slot_count =
        dense->slot_count ? dense->slot_count * 2 : FIRST_SLOTS;
    uint64_t *keys;
    uint32_t *slots;

    if (slot_count > MAX_SLOTS)
        return -1;
    keys = realloc(dense->keys, slot_count / 2 * sizeof(*keys));
    if (!keys)
        return -1;
    dense->keys = keys;
    slots = calloc(slot_count, sizeof(*slots));
    if (!slots)
        return -1;
    free(dense->slots);
    dense->slots = slots;
    dense->slot_count = slot_count;
    for (uint32_t number = 0; number < dense->count; number++)
        *find_slot(dense, keys[number]) = number + 1;
    return 0;
}

uint32_t
dense_put(struct dense *dense, uint64_t key)
{
    uint32_t *slot;

    if (dense->count >= dense->slot_count / 2 && grow(dense))
        return DENSE_NONE;
    slot = find_slot(dense, key);
    if (!*slot) {
        dense->keys[dense->count++] = key;
        *slot = dense->count;
    }
    return *slot - 1;
}

void
dense_free(struct dense *dense)
{
    free(dense->keys);
    free(dense->slots);
    *dense = (struct dense){ 0 };
}
