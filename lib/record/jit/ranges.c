/* SPDX-License-Identifier: MIT */

#include "ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct vmp_ranges vmp_ranges;

/* What handlers may still look at. */
static struct vmp_range_block *retired_blocks;
static struct vmp_range_map *retired_maps;

static struct vmp_range_map *
current_map(void)
{
    return atomic_load_explicit(&vmp_ranges.map, memory_order_relaxed);
}

static struct vmp_range_block *
block_of(const struct vmp_range_map *map, uint32_t i)
{
    return atomic_load_explicit(&map->slots[i].block, memory_order_relaxed);
}

static void
retire_block(struct vmp_range_block *block)
{
    block->next_retired = retired_blocks;
    retired_blocks = block;
}

static void
retire_map(struct vmp_range_map *map)
{
    if (!map)
        return;
    map->next_retired = retired_maps;
    retired_maps = map;
}

/* Sequentially consistent, as the handler's are: either we see that it reads, or
 * it sees what was published before. */
void
vmp_ranges_reclaim(void)
{
    if ((!retired_blocks && !retired_maps) || atomic_load(&vmp_ranges.readers))
        return;
    while (retired_blocks) {
        struct vmp_range_block *const block = retired_blocks;

        retired_blocks = block->next_retired;
        free(block);
    }
    while (retired_maps) {
        struct vmp_range_map *const map = retired_maps;

        retired_maps = map->next_retired;
        free(map);
    }
}

void
vmp_ranges_leave_to_parent(void)
{
    atomic_store(&vmp_ranges.readers, 0);
}

/* How many ranges of a block begin below an address. */
static uint32_t
count_below(const struct vmp_range_block *block, uintptr_t address)
{
    uint32_t low = 0, high = block->count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (block->ranges[middle].start < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Bounds only grow: a handler that sees one of them early sees more. */
static void
widen(uintptr_t start, uint32_t size)
{
    const uintptr_t low =
        atomic_load_explicit(&vmp_ranges.low, memory_order_relaxed);
    const uintptr_t extent =
        atomic_load_explicit(&vmp_ranges.extent, memory_order_relaxed);
    const uintptr_t new_low = extent && low < start ? low : start;
    const uintptr_t end = start + size;
    const uintptr_t new_end = extent && low + extent > end ? low + extent : end;

    /* Without ranges the first bound says nothing, so it may come first. */
    if (!extent)
        atomic_store_explicit(&vmp_ranges.low, start, memory_order_relaxed);
    atomic_store_explicit(&vmp_ranges.extent, new_end - new_low,
                          memory_order_release);
    /* Pairs with the acquire in vmp_find_range(). */
    atomic_store_explicit(&vmp_ranges.low, new_low, memory_order_release);
}

uint32_t
vmp_ranges_overlap(uintptr_t start, uint32_t size, uint32_t but)
{
    const struct vmp_range_map *const map = current_map();
    const uintptr_t end = start + size;

    if (!map)
        return 0;
    /* Downwards from the last that begins before the end: those that are there
     * do not overlap, so the second that is not `but` decides. */
    for (uint32_t s = vmp_range_slot_of(map, end - 1) + 1; s--;) {
        const struct vmp_range_block *const block = block_of(map, s);

        for (uint32_t i = count_below(block, end); i--;) {
            const struct vmp_range *const range = &block->ranges[i];

            if (!range->trace || range->trace == but)
                continue;
            return range->start + range->size > start ? range->trace : 0;
        }
    }
    return 0;
}

static struct vmp_range_map *
new_map(uint32_t count)
{
    struct vmp_range_map *const map =
        malloc(sizeof(*map) + count * sizeof(*map->slots));

    if (map)
        map->count = count;
    return map;
}

static void
set_slot(struct vmp_range_map *map, uint32_t i, uintptr_t from,
         struct vmp_range_block *block)
{
    map->slots[i].from = from;
    atomic_init(&map->slots[i].block, block);
}

static void
copy_slots(struct vmp_range_map *to, uint32_t at,
           const struct vmp_range_map *from, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        set_slot(to, at++, from->slots[i].from, block_of(from, i));
}

static void
publish(struct vmp_range_map *map)
{
    retire_map(current_map());
    atomic_store(&vmp_ranges.map, map);
}

/* The ranges of a block that are there, and one more, in order. */
static uint32_t
merge(const struct vmp_range_block *block, const struct vmp_range *added,
      struct vmp_range *to)
{
    uint32_t count = 0;
    bool is_in = false;

    for (uint32_t i = 0; block && i < block->count; i++) {
        if (!block->ranges[i].trace)
            continue;
        if (!is_in && block->ranges[i].start > added->start) {
            to[count++] = *added;
            is_in = true;
        }
        to[count++] = block->ranges[i];
    }
    if (!is_in)
        to[count++] = *added;
    return count;
}

static struct vmp_range_block *
new_block(const struct vmp_range *ranges, uint32_t count)
{
    struct vmp_range_block *const block = malloc(sizeof(*block));

    if (!block)
        return NULL;
    block->count = count;
    memcpy(block->ranges, ranges, count * sizeof(*ranges));
    return block;
}

static int
begin_map(struct vmp_range_block *block)
{
    struct vmp_range_map *const map = new_map(1);

    if (!map)
        return -ENOMEM;
    set_slot(map, 0, 0, block);
    publish(map);
    return 0;
}

/* Two blocks in the place of one. */
static int
split(struct vmp_range_map *map, uint32_t slot, const struct vmp_range *ranges,
      uint32_t count)
{
    const uint32_t half = count / 2;
    struct vmp_range_block *const first = new_block(ranges, half),
                                  *const second =
                                      new_block(ranges + half, count - half);
    struct vmp_range_map *const grown = new_map(map->count + 1);

    if (!first || !second || !grown) {
        free(first);
        free(second);
        free(grown);
        return -ENOMEM;
    }
    copy_slots(grown, 0, map, 0, slot);
    set_slot(grown, slot, map->slots[slot].from, first);
    set_slot(grown, slot + 1, ranges[half].start, second);
    copy_slots(grown, slot + 2, map, slot + 1, map->count);
    retire_block(block_of(map, slot));
    publish(grown);
    return 0;
}

static int
insert(struct vmp_range_map *map, const struct vmp_range *added)
{
    struct vmp_range ranges[VMP_RANGES_PER_BLOCK + 1];
    const uint32_t slot = map ? vmp_range_slot_of(map, added->start) : 0;
    struct vmp_range_block *const before = map ? block_of(map, slot) : NULL;
    const uint32_t count = merge(before, added, ranges);
    struct vmp_range_block *block;
    int r;

    if (count > VMP_RANGES_PER_BLOCK)
        return split(map, slot, ranges, count);
    block = new_block(ranges, count);
    if (!block)
        return -ENOMEM;
    if (map) {
        retire_block(before);
        atomic_store(&map->slots[slot].block, block);
        return 0;
    }
    r = begin_map(block);
    if (r < 0)
        free(block);
    return r;
}

int
vmp_ranges_add(uintptr_t start, uint32_t size, uint32_t trace)
{
    const struct vmp_range added = { start, size, trace };
    const int r = insert(current_map(), &added);

    if (r == 0)
        widen(start, size);
    vmp_ranges_reclaim();
    return r;
}

static bool
is_empty(const struct vmp_range_block *block)
{
    for (uint32_t i = 0; i < block->count; i++)
        if (block->ranges[i].trace)
            return false;
    return true;
}

/* A block without ranges, over which handlers would have to go; it may stay if
 * memory does not do for a map without it. */
static void
leave_out(const struct vmp_range_map *map, uint32_t slot)
{
    struct vmp_range_map *smaller = NULL;

    if (map->count > 1) {
        smaller = new_map(map->count - 1);
        if (!smaller)
            return;
        copy_slots(smaller, 0, map, 0, slot);
        copy_slots(smaller, slot, map, slot + 1, map->count);
        smaller->slots[0].from = 0;
    }
    retire_block(block_of(map, slot));
    publish(smaller);
}

static struct vmp_range *
range_at(uintptr_t start)
{
    const struct vmp_range_map *const map = current_map();
    struct vmp_range_block *const block =
        block_of(map, vmp_range_slot_of(map, start));

    return &block->ranges[count_below(block, start)];
}

static void
set_trace(struct vmp_range *range, uint32_t trace)
{
    __atomic_store_n(&range->trace, trace, __ATOMIC_RELAXED);
}

/* After a range is gone from around here. */
static void
tidy(uintptr_t start)
{
    const struct vmp_range_map *const map = current_map();
    const uint32_t slot = vmp_range_slot_of(map, start);

    if (is_empty(block_of(map, slot)))
        leave_out(map, slot);
    vmp_ranges_reclaim();
}

void
vmp_ranges_remove(uintptr_t start)
{
    set_trace(range_at(start), 0);
    tidy(start);
}

int
vmp_ranges_move(uintptr_t from, uintptr_t start, uint32_t size)
{
    struct vmp_range *const range = range_at(from);
    const uint32_t trace = range->trace;
    int r;

    set_trace(range, 0);
    r = vmp_ranges_add(start, size, trace);
    if (r == 0)
        tidy(from);
    else
        set_trace(range, trace);
    return r;
}
