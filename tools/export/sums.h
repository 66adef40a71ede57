/* SPDX-License-Identifier: MIT */

/* Samples summed by stack, thread, phase and state, for formats that show it. */
#ifndef EXPORT_SUMS_H
#define EXPORT_SUMS_H

#include "../analyse/extra.h"
#include "../read/profile.h"
#include "dense.h"

struct sum {
    uint64_t samples, weight_ns;
};

struct sum_key {
    uint32_t node, thread;
    uint32_t phase; /* enum vmprof_phase */
    bool off_cpu;
    bool held_back; /* if they are told apart */
};

struct sums {
    struct dense keys;
    struct sum *rows; /* by number of their key, keys.count of them */
    uint32_t room;
    bool tells_held_back; /* set before the first is added */
};

/* A batch_function; `user` is a zeroed struct sums. */
int
sums_add(void *user, const struct profile *profile, const struct batch *batch);

/* What a sample without frames is time of. */
static inline enum extra
sum_key_extra(struct sum_key key)
{
    return key.off_cpu ? EXTRA_OFF_CPU : EXTRA_NATIVE;
}

struct sum_key
sums_key(const struct sums *sums, uint32_t row);

/*
 * Add one sum to `sums`, which need not come from a file. Returns 0 or
 * -ENOMEM.
 */
int
sums_put(struct sums *sums, struct sum_key key, struct sum sum);

/*
 * Add to `sums` what each thread has unsampled beside `samples`, as time of
 * that node. Returns 0 or -ENOMEM.
 */
int
sums_put_unsampled(struct sums *sums, const struct sums *samples,
                   const struct profile *profile, uint32_t node);

void
sums_free(struct sums *sums);

#endif
