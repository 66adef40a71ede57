/* SPDX-License-Identifier: MIT */

/* Numbers distinct 64-bit keys 0, 1, 2, ... in the order they first come. */
#ifndef EXPORT_DENSE_H
#define EXPORT_DENSE_H

#include <stdint.h>

#include "intern.h"

#define DENSE_NONE UINT32_MAX

struct dense {
    struct vmp_intern set;
    uint64_t *keys; /* by number */
    uint32_t count, room;
};

/* The number of `key`, which it gets if it has none. DENSE_NONE: no memory. */
uint32_t
dense_put(struct dense *dense, uint64_t key);

/* A zeroed one is fine. */
void
dense_free(struct dense *dense);

#endif
