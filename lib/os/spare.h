/* SPDX-License-Identifier: MIT */

/*
 * Mappings that one owner leaves to the next. To unmap one that was touched
 * interrupts all CPUs that the process runs on, and to map one waits for that:
 * threads that come and go would do little else. Few are kept, and their owners
 * give none that holds much. Any thread; without a lock, so that a fork finds
 * none that is held.
 */
#ifndef VMP_SPARE_H
#define VMP_SPARE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    VMP_MOST_SPARES = 32,
};

/* Of one kind. The first word of each is its size, as long as it is here. */
struct vmp_spares {
    _Atomic(size_t *) maps[VMP_MOST_SPARES];
};

/* One of `size` bytes, with whatever its last owner has left in it; NULL if there
 * is none. One of another size is unmapped. */
void *
vmp_spare_take(struct vmp_spares *spares, size_t size);

/* Keep it; false if there are enough, which are fewer where address space is
 * short. */
bool
vmp_spare_give(struct vmp_spares *spares, void *map, size_t size);

/* Unmap all. */
void
vmp_spares_drop(struct vmp_spares *spares);

#endif
