/* SPDX-License-Identifier: MIT */

#include "tally.h"

#include <stdlib.h>

enum {
    FIRST_BLOCK = 64, /* entries */
};

/* The block of an entry, and where that begins. */
static unsigned
block_of(uint32_t index, uint32_t *first)
{
    const unsigned block =
        31 - (unsigned)__builtin_clz(index / FIRST_BLOCK + 1);

    *first = FIRST_BLOCK * ((1u << block) - 1);
    return block;
}

struct vmp_entry *
vmp_tally_entry(const struct vmp_tally *tally, uint32_t index)
{
    uint32_t first;
    const unsigned block = block_of(index, &first);

    return atomic_load_explicit(&tally->blocks[block], memory_order_relaxed) +
           (index - first);
}

uint32_t
vmp_tally_count(const struct vmp_tally *tally)
{
    /* Partner of the release in add(): the entries below are filled in. */
    return atomic_load_explicit(&tally->count, memory_order_acquire);
}

/* A block for the next entry, if it is the first of one. */
static bool
make_room(struct vmp_tally *tally, uint32_t index)
{
    uint32_t first;
    const unsigned block = block_of(index, &first);
    struct vmp_entry *entries;

    if (block >= VMP_TALLY_BLOCKS)
        return false;
    if (atomic_load_explicit(&tally->blocks[block], memory_order_relaxed))
        return true;
    entries = calloc((size_t)FIRST_BLOCK << block, sizeof(*entries));
    atomic_store_explicit(&tally->blocks[block], entries, memory_order_relaxed);
    return entries;
}

static bool
take_from(struct vmp_budget *budget)
{
    if (atomic_fetch_add(&budget->used, 1) < budget->most)
        return true;
    atomic_fetch_sub(&budget->used, 1);
    return false;
}

static struct vmp_entry *
add(struct vmp_tally *tally, uint64_t a, uint64_t b)
{
    const uint32_t index =
        atomic_load_explicit(&tally->count, memory_order_relaxed);
    struct vmp_entry *entry;
    bool is_new;

    if (!take_from(tally->budget))
        return NULL;
    if (!make_room(tally, index) ||
        vmp_intern(&tally->index, a, b, &is_new) < 0) {
        atomic_fetch_sub(&tally->budget->used, 1);
        return NULL;
    }
    entry = vmp_tally_entry(tally, index);
    entry->a = a;
    entry->b = b;
    atomic_store_explicit(&tally->count, index + 1, memory_order_release);
    return entry;
}

struct vmp_entry *
vmp_tally_try(struct vmp_tally *tally, uint64_t a, uint64_t b)
{
    const int64_t index = vmp_intern_find(&tally->index, a, b);

    return index < 0 ? add(tally, a, b)
                     : vmp_tally_entry(tally, (uint32_t)index);
}

struct vmp_entry *
vmp_tally_at(struct vmp_tally *tally, uint64_t a, uint64_t b)
{
    struct vmp_entry *const entry = vmp_tally_try(tally, a, b);

    if (!entry)
        atomic_fetch_add(&tally->budget->lost, 1);
    return entry;
}

void
vmp_tally_free(struct vmp_tally *tally)
{
    for (unsigned i = 0; i < VMP_TALLY_BLOCKS; i++)
        free(atomic_load(&tally->blocks[i]));
    vmp_intern_free(&tally->index);
}
