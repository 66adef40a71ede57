/* SPDX-License-Identifier: MIT */

/* Counters that a VM adds to itself, without a look at what they stand for: that
 * is asked when they are read. Their owner alone adds, at any time; all else is
 * done under vmp_interp_lock(). */
#ifndef VMP_INTERP_HIT_COUNTERS_H
#define VMP_INTERP_HIT_COUNTERS_H

#include "table.h"

/* A thread's; all zero is empty. */
struct vmp_hit_counters {
    struct vmp_code_counters **buckets;
    size_t count; /* of all codes */
};

/* Those of a code, made if it has none; NULL: no memory, it has fewer than
 * `count`, or there would be more than `most`. */
uint64_t *
vmp_hit_counters_get(struct vmp_hit_counters *counters, uint64_t code,
                     size_t count, size_t most);

/* How many have hits, of one code or of all. */
size_t
vmp_hit_counters_busy(const struct vmp_hit_counters *counters);
size_t
vmp_hit_counters_busy_of(const struct vmp_hit_counters *counters,
                         uint64_t code);

/* Take their hits into a table, those of one code or all. What a table of a
 * fixed size has no row for stays. Under vmp_callbacks_lock(), too. */
void
vmp_hit_counters_take(struct vmp_hit_counters *counters, struct vmp_table *to);
void
vmp_hit_counters_take_of(struct vmp_hit_counters *counters,
                         struct vmp_table *to, uint64_t code);

/* Leave what was counted up to now to nobody. */
void
vmp_hit_counters_drop(struct vmp_hit_counters *counters);

/* A code is forgotten; or a thread ends. */
void
vmp_hit_counters_forget(struct vmp_hit_counters *counters, uint64_t code);
void
vmp_hit_counters_free(struct vmp_hit_counters *counters);

#endif
