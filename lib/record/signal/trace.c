/* SPDX-License-Identifier: MIT */

/* From an instruction to the trace that it is of. Signal context. */

#include "trace.h"

#include <vmprof/jit.h>

#include "../../os/machine.h"
#include "../jit/ranges.h"

/* The last range in the slot, of those that are there, which begins at an
 * address or before. */
static const struct vmp_range *
last_until(const struct vmp_range_block *block, uintptr_t address,
           uint32_t *trace)
{
    uint32_t low = 0, high = block->count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (block->ranges[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    while (low--) {
        *trace = __atomic_load_n(&block->ranges[low].trace, __ATOMIC_RELAXED);
        if (*trace)
            return &block->ranges[low];
    }
    return NULL;
}

static bool
look_up(const struct vmp_range_map *map, uintptr_t address,
        struct vmp_range *out)
{
    uint32_t slot = vmp_range_slot_of(map, address);

    /* A range may go beyond its block's part, where others were. */
    do {
        uint32_t trace;
        const struct vmp_range *const range =
            last_until(atomic_load(&map->slots[slot].block), address, &trace);

        if (!range)
            continue;
        if (address - range->start >= range->size)
            return false;
        *out = (struct vmp_range){ range->start, range->size, trace };
        return true;
    } while (slot--);
    return false;
}

bool
vmp_find_range(uintptr_t address, struct vmp_range *out)
{
    /* Pairs with the release in widen(). */
    const uintptr_t low =
        atomic_load_explicit(&vmp_ranges.low, memory_order_acquire);
    const struct vmp_range_map *map;
    bool is_found;

    if (address - low >=
        atomic_load_explicit(&vmp_ranges.extent, memory_order_relaxed))
        return false;
    /* Sequentially consistent, as is what vmp_ranges_reclaim() looks at. */
    atomic_fetch_add(&vmp_ranges.readers, 1);
    map = atomic_load(&vmp_ranges.map);
    is_found = map && look_up(map, address, out);
    /* Pairs with the look at it there: what is freed has been read. */
    atomic_fetch_sub_explicit(&vmp_ranges.readers, 1, memory_order_release);
    return is_found;
}

uint64_t
vmp_current_trace(const struct vmp_thread *thread)
{
    const uint64_t current =
        __atomic_load_n(&thread->head.trace, __ATOMIC_RELAXED);

    return current < VMPROF_JIT_MAX_IDS ? current : 0;
}

/* Apart, so that nobody pays for it where there is no compiled code. */
static __attribute__((noinline)) uint64_t
interrupted_trace(const void *context)
{
    const uintptr_t pc = (uintptr_t)vmp_interrupted_at(context);
    struct vmp_range range;

    if (!vmp_find_range(pc, &range))
        return 0;
    return range.trace | VMP_RUNS_AT |
           (uint64_t)(pc - range.start) << VMP_RUNS_AT_SHIFT;
}

uint64_t
vmp_running_trace(const struct vmp_thread *thread)
{
    uint64_t trace = 0;

    if (atomic_load_explicit(&vmp_ranges.extent, memory_order_relaxed) &&
        thread->context)
        trace = interrupted_trace(thread->context);
    return trace ? trace : vmp_current_trace(thread);
}
