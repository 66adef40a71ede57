/* SPDX-License-Identifier: MIT */

/*
 * Sums of short samples, for who wants no single ones: by stack, as long as
 * session, thread, phase and state stay the same.
 */
#ifndef READ_NATIVE_SUMS_H
#define READ_NATIVE_SUMS_H

#include "native_short.h"

enum {
    SUMS_BATCH_SIZE = 512,
};

struct native;

struct native_sums_of {
    uint32_t session, thread;
    uint8_t phase, state;
};

struct native_sums {
    uint64_t cells[SHORT_NODES]; /* by node + 1 */
    struct native_sums_of of;
    uint32_t used_count, sample_count;
    uint16_t used[SHORT_NODES]; /* the cells that are not 0, and one more */
    /* The batch that is sent. */
    uint32_t nodes[SUMS_BATCH_SIZE];
    uint32_t counts[SUMS_BATCH_SIZE];
    uint64_t weights_ns[SUMS_BATCH_SIZE];
    uint8_t phases[SUMS_BATCH_SIZE];
    uint8_t states[SUMS_BATCH_SIZE];
};

/*
 * Sums of these are next. Sets `room` to how many samples, at least 1, they may
 * be. Returns 0, or what native_sums_send() does.
 */
int
native_sums_begin(struct native *native, const struct native_sums_of *of,
                  uint64_t *room);

/*
 * Add up to `most` samples of a block, from `*at` on, and move that behind them:
 * to the end of the block, or to what is no short one. Adds to `elapsed`.
 * Returns how many samples that were.
 */
uint32_t
native_sums_add(struct native_sums *sums, const struct short_block *block,
                uint64_t most, uint32_t *at, uint64_t *elapsed);

/*
 * Hand over what was summed: when something else is, before a session has more
 * nodes, and in the end. Returns 0, or -ECANCELED after on_batch said to stop.
 */
int
native_sums_send(struct native *native);

#endif
