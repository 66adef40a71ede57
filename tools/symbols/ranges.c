/* SPDX-License-Identifier: MIT */

#include "ranges.h"

#include <errno.h>
#include <stdlib.h>

int
ranges_add(struct ranges *ranges, uint64_t low, uint64_t high,
           uint64_t priority, uint32_t value)
{
    if (low >= high)
        return 0;
    if (ranges->added_count == ranges->capacity) {
        const uint32_t more = ranges->capacity ? ranges->capacity * 2 : 64;
        struct range *bigger =
            more > 2 * MAX_RANGES
                ? NULL
                : reallocarray(ranges->added, more, sizeof(*bigger));

        if (!bigger)
            return -ENOMEM;
        ranges->added = bigger;
        ranges->capacity = more;
    }
    ranges->added[ranges->added_count] = (struct range){
        low, high, priority, value, ranges->added_count,
    };
    ranges->added_count++;
    return 0;
}

static int
compare_ranges(const void *a, const void *b)
{
    const struct range *left = a, *right = b;

    if (left->low != right->low)
        return left->low < right->low ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

static bool
is_above(const struct range *a, const struct range *b)
{
    return a->priority != b->priority ? a->priority > b->priority
                                      : a->order > b->order;
}

/* The ranges that are open where the sweep is, the one that counts first. */
struct heap {
    const struct range **open;
    uint32_t count;
};

static void
heap_push(struct heap *heap, const struct range *range)
{
    uint32_t at = heap->count++;

    while (at && is_above(range, heap->open[(at - 1) / 2])) {
        heap->open[at] = heap->open[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->open[at] = range;
}

static void
heap_pop(struct heap *heap)
{
    const struct range *last = heap->open[--heap->count];
    uint32_t at = 0, child = 1;

    for (; child < heap->count; at = child, child = 2 * at + 1) {
        if (child + 1 < heap->count &&
            is_above(heap->open[child + 1], heap->open[child]))
            child++;
        if (!is_above(heap->open[child], last))
            break;
        heap->open[at] = heap->open[child];
    }
    heap->open[at] = last;
}

static void
put_segment(struct ranges *ranges, uint64_t low, uint64_t high, uint32_t value)
{
    struct segment *last =
        ranges->count ? &ranges->segments[ranges->count - 1] : NULL;

    if (last && last->high == low && last->value == value)
        last->high = high;
    else
        ranges->segments[ranges->count++] =
            (struct segment){ low, high, value };
}

/* Every range begins and ends at most one segment, so 2n are enough. */
static void
sweep(struct ranges *ranges, struct heap *heap)
{
    const struct range *next = ranges->added;
    const struct range *const end = next + ranges->added_count;
    uint64_t at = 0;

    while (next < end || heap->count) {
        uint64_t until;

        if (!heap->count)
            at = next->low;
        while (next < end && next->low <= at)
            heap_push(heap, next++);
        while (heap->count && heap->open[0]->high <= at)
            heap_pop(heap);
        if (!heap->count)
            continue;
        until = heap->open[0]->high;
        if (next < end && next->low < until)
            until = next->low;
        put_segment(ranges, at, until, heap->open[0]->value);
        at = until;
    }
}

int
ranges_finish(struct ranges *ranges)
{
    struct heap heap = { 0 };
    int result = -ENOMEM;

    if (!ranges->added_count)
        return 0;
    qsort(ranges->added, ranges->added_count, sizeof(*ranges->added),
          compare_ranges);
    heap.open = calloc(ranges->added_count, sizeof(*heap.open));
    ranges->segments =
        calloc(2 * (size_t)ranges->added_count, sizeof(*ranges->segments));
    if (heap.open && ranges->segments) {
        sweep(ranges, &heap);
        result = 0;
    }
    free(heap.open);
    free(ranges->added);
    ranges->added = NULL;
    ranges->added_count = ranges->capacity = 0;
    return result;
}

bool
ranges_find(const struct ranges *ranges, uint64_t address, uint32_t *value)
{
    uint32_t low = 0, high = ranges->count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct segment *segment = &ranges->segments[middle];

        if (address < segment->low)
            high = middle;
        else if (address >= segment->high)
            low = middle + 1;
        else {
            *value = segment->value;
            return true;
        }
    }
    return false;
}

void
ranges_free(struct ranges *ranges)
{
    free(ranges->added);
    free(ranges->segments);
    *ranges = (struct ranges){ 0 };
}
