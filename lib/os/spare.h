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
    VMP_MOST_SPARES = 32, /* of a kind */
    /* Of a kind, too, be they touched or not. */
    VMP_MOST_SPARE_BYTES = sizeof(void *) == 4 ? 1 << 25 : 1 << 28,
};

/* All of one kind have the same owners, and mostly the same size. */
enum vmp_spare_kind {
    VMP_SPARE_STACK,
    VMP_SPARE_RING,
    VMP_SPARE_SIGNAL_STACK,
    VMP_SPARE_KINDS,
};

/* One of `size` bytes, with whatever its last owner has left in it; NULL if there
 * is none. One of another size is unmapped. */
void *
vmp_spare_take(enum vmp_spare_kind kind, size_t size);

/* A new mapping, which is empty. Where there is no room for one, it takes that of
 * what is kept. NULL if there is none even then. */
void *
vmp_spare_map(size_t size);

/* Keep it; false if those are enough that are kept, which are fewer where the
 * address space or the data is limited, or if it is locked. Its first `guard` bytes
 * may not be touched; in the two words behind them it is noted what is kept. */
bool
vmp_spare_give(enum vmp_spare_kind kind, void *map, size_t size, size_t guard);

/* Unmap all of a kind. Returns whether there were any. */
bool
vmp_spares_drop(enum vmp_spare_kind kind);

#endif
