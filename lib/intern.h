/* SPDX-License-Identifier: MIT */

/* A set of pairs of integers that numbers them 0, 1, 2, … as they come. */
#ifndef VMP_INTERN_H
#define VMP_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmp_intern_slot {
    uint64_t a, b;
    uint32_t number; /* plus 1; 0: free */
};

/* All zero is an empty set. */
struct vmp_intern {
    struct vmp_intern_slot *slots;
    uint32_t count;
    uint32_t capacity; /* a power of two, or 0 */
};

/*
 * The number of the pair (a, b), which is added if it is new.
 * Returns -ENOMEM, or -EOVERFLOW after 2^31 - 1 pairs.
 */
int64_t
vmp_intern(struct vmp_intern *set, uint64_t a, uint64_t b, bool *is_new);

/* The number of the pair (a, b), or -ENOENT. */
int64_t
vmp_intern_find(const struct vmp_intern *set, uint64_t a, uint64_t b);

void
vmp_intern_free(struct vmp_intern *set);

#endif
