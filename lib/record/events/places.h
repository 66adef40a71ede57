/* SPDX-License-Identifier: MIT */

/*
 * A set of places in code, with a word of bits for each: which tools have
 * disabled an event there, or what a tool wants of a code object. Changed under
 * vmp_events_lock(), and read while somebody does.
 */
#ifndef VMP_EVENTS_PLACES_H
#define VMP_EVENTS_PLACES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed, it is an empty one. */
struct vmp_places {
    _Atomic(struct vmp_places_table *) table;
};

/* The word of a place; 0 if it is not there. Under the lock, or by a thread that
 * says so with VMP_EVENTS_READING. */
uint64_t
vmp_places_get(struct vmp_places *places, uint64_t code, uint64_t offset,
               uint32_t kind);

/* Set bits of it and clear others. Returns 0 or -ENOMEM. */
int
vmp_places_change(struct vmp_places *places, uint64_t code, uint64_t offset,
                  uint32_t kind, uint64_t clear, uint64_t set);

/* Clear bits everywhere. */
void
vmp_places_clear(struct vmp_places *places, uint64_t bits);

/* Clear all bits of these places. */
void
vmp_places_drop(struct vmp_places *places, uint64_t offset, uint32_t kind);

/* Every place with a bit, in no order. */
void
vmp_places_each(struct vmp_places *places,
                void (*visit)(void *user, uint64_t code, uint64_t offset,
                              uint32_t kind, uint64_t bits),
                void *user);

#endif
