/* SPDX-License-Identifier: MIT */

/*
 * What lies at an address, when what was said of the addresses overlaps: the
 * range of the highest priority counts, and of equal ones the last.
 */
#ifndef SYMBOLS_RANGES_H
#define SYMBOLS_RANGES_H

#include <stdbool.h>
#include <stdint.h>

enum {
    /* So many fit; no file that a compiler made has more. */
    MAX_RANGES = 1 << 22,
};

struct range {
    uint64_t low, high; /* high is behind the end */
    uint64_t priority;
    uint32_t value, order;
};

struct segment {
    uint64_t low, high;
    uint32_t value;
};

/* All zero is an empty one. */
struct ranges {
    struct range *added;
    uint32_t added_count, capacity;
    struct segment *segments; /* by address, they do not overlap */
    uint32_t count;
};

/* Empty ranges are ignored. Returns 0 or -ENOMEM. */
int
ranges_add(struct ranges *ranges, uint64_t low, uint64_t high,
           uint64_t priority, uint32_t value);

/* Once, before ranges_find(). Returns 0 or -ENOMEM. */
int
ranges_finish(struct ranges *ranges);

bool
ranges_find(const struct ranges *ranges, uint64_t address, uint32_t *value);

void
ranges_free(struct ranges *ranges);

#endif
