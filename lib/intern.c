/* SPDX-License-Identifier: MIT */

#include "intern.h"

#include <errno.h>
#include <stdlib.h>

enum {
    FIRST_CAPACITY = 256,
};

static uint32_t
hash(uint64_t a, uint64_t b)
{
    uint64_t h = (a ^ b * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;

    h ^= h >> 32;
    h *= 0xc4ceb9fe1a85ec53;
    return (uint32_t)(h >> 32);
}

/* The slot that holds (a, b), or the free one where it belongs. */
static struct vmp_intern_slot *
find(struct vmp_intern_slot *slots, uint32_t capacity, uint64_t a, uint64_t b)
{
    uint32_t i = hash(a, b) & (capacity - 1);

    while (slots[i].number && (slots[i].a != a || slots[i].b != b))
        i = (i + 1) & (capacity - 1);
    return &slots[i];
}

static int
grow(struct vmp_intern *set)
{
    const uint32_t capacity =
        set->capacity ? set->capacity * 2 : FIRST_CAPACITY;
    struct vmp_intern_slot *slots;

    if (!capacity)
        return -EOVERFLOW;
    slots = calloc(capacity, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    for (uint32_t i = 0; i < set->capacity; i++)
        if (set->slots[i].number)
            *find(slots, capacity, set->slots[i].a, set->slots[i].b) =
                set->slots[i];
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
    return 0;
}

int64_t
vmp_intern(struct vmp_intern *set, uint64_t a, uint64_t b, bool *is_new)
{
    struct vmp_intern_slot *slot;

    if (set->count >= set->capacity / 2) {
        const int r = grow(set);
        if (r < 0)
            return r;
    }
    slot = find(set->slots, set->capacity, a, b);
    *is_new = !slot->number;
    if (*is_new)
        *slot = (struct vmp_intern_slot){ a, b, ++set->count };
    return (int64_t)slot->number - 1;
}

int64_t
vmp_intern_find(const struct vmp_intern *set, uint64_t a, uint64_t b)
{
    const struct vmp_intern_slot *slot;

    if (!set->capacity)
        return -ENOENT;
    slot = find(set->slots, set->capacity, a, b);
    return slot->number ? (int64_t)slot->number - 1 : -ENOENT;
}

void
vmp_intern_free(struct vmp_intern *set)
{
    free(set->slots);
    *set = (struct vmp_intern){ 0 };
}
