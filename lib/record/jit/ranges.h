/* SPDX-License-Identifier: MIT */

/*
 * Where the machine code of traces is. Handlers look here, in signal/trace.c,
 * whatever the VM is about to change: a change makes a new block of ranges, and
 * the old one is freed when no handler is inside.
 */
#ifndef VMP_JIT_RANGES_H
#define VMP_JIT_RANGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    VMP_RANGES_PER_BLOCK = 128,
};

struct vmp_range {
    uintptr_t start;
    uint32_t size;
    uint32_t trace; /* 0: it is gone */
};

/* Some ranges in the order of their addresses. Only the traces change. */
struct vmp_range_block {
    struct vmp_range_block *next_retired;
    uint32_t count; /* at least 1 */
    struct vmp_range ranges[VMP_RANGES_PER_BLOCK];
};

struct vmp_range_slot {
    uintptr_t from; /* where the block's part begins; 0 in the first slot */
    _Atomic(struct vmp_range_block *) block;
};

/* All blocks in order. Only the pointers to them change. */
struct vmp_range_map {
    struct vmp_range_map *next_retired;
    uint32_t count; /* at least 1 */
    struct vmp_range_slot slots[];
};

struct vmp_ranges {
    /* No range is outside of these. */
    atomic_uintptr_t low, extent;
    _Atomic(struct vmp_range_map *) map; /* NULL: there are none */
    atomic_uint readers; /* handlers that may be looking at a map */
};

extern struct vmp_ranges vmp_ranges;

/* The slot whose part an address is in. */
static inline uint32_t
vmp_range_slot_of(const struct vmp_range_map *map, uintptr_t address)
{
    uint32_t low = 0, high = map->count;

    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;

        if (map->slots[middle].from <= address)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The range that an address is in. Any context. */
bool
vmp_find_range(uintptr_t address, struct vmp_range *out);

/* What follows is for one thread at a time: under the lock of traces.c. */

/* A trace other than `but` that has any of these addresses; 0: none. */
uint32_t
vmp_ranges_overlap(uintptr_t start, uint32_t size, uint32_t but);

/* Returns 0 or -ENOMEM: then nothing has changed. It overlaps with none. */
int
vmp_ranges_add(uintptr_t start, uint32_t size, uint32_t trace);

/* The trace is found at `start` no more. It is there. */
void
vmp_ranges_remove(uintptr_t start);

/* What is at `from` is somewhere else now, of a size that may be another.
 * Returns 0 or -ENOMEM, as vmp_ranges_add() does. */
int
vmp_ranges_move(uintptr_t from, uintptr_t start, uint32_t size);

/* Free what no handler can see any more. */
void
vmp_ranges_reclaim(void);

/* In the child of a fork(): the handlers of other threads are the parent's. */
void
vmp_ranges_leave_to_parent(void);

#endif
