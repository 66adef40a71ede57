/* SPDX-License-Identifier: MIT */

/*
 * Numbers by pairs of keys: what layers count. One thread adds to a tally, and
 * any other reads it meanwhile: entries never move and never go.
 */
#ifndef VMP_LAYERS_TALLY_H
#define VMP_LAYERS_TALLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../intern.h"

enum {
    VMP_TALLY_BLOCKS = 24, /* each twice as large as the one before */
    VMP_TALLY_VALUES = 4,
};

/* What all tallies of a layer have room for together. */
struct vmp_budget {
    uint64_t most;
    atomic_uint_least64_t used, lost; /* entries; what found no room */
};

/* Of a key. Values are read and written one by one, as vmp_count() does. */
struct vmp_entry {
    uint64_t a, b;
    uint64_t values[VMP_TALLY_VALUES];
    uint64_t written[VMP_TALLY_VALUES]; /* to the session's file, of these */
    uint64_t active;                    /* the layer's own */
};

/* All zero, but for the budget, it is empty. */
struct vmp_tally {
    struct vmp_budget *budget;
    struct vmp_intern index;
    atomic_uint count;
    _Atomic(struct vmp_entry *) blocks[VMP_TALLY_BLOCKS];
    uint32_t named; /* entries whose codes the session's file has */
};

/* The entry of (a, b), made with values of 0 if there is none. NULL, and
 * counted: no room or no memory. */
struct vmp_entry *
vmp_tally_at(struct vmp_tally *tally, uint64_t a, uint64_t b);

/* The same, and nothing is lost without it. */
struct vmp_entry *
vmp_tally_try(struct vmp_tally *tally, uint64_t a, uint64_t b);

/* How many there are, and one of them. */
uint32_t
vmp_tally_count(const struct vmp_tally *tally);
struct vmp_entry *
vmp_tally_entry(const struct vmp_tally *tally, uint32_t index);

void
vmp_tally_free(struct vmp_tally *tally);

#endif
