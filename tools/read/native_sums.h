/* SPDX-License-Identifier: MIT */

/*
 * Sums of short samples, for who wants no single ones: by stack, as long as
 * session, thread, phase and state stay the same.
 */
#ifndef READ_NATIVE_SUMS_H
#define READ_NATIVE_SUMS_H

#include "native_record.h"

enum {
    SUMS_BATCH_SIZE = 512,
};

struct native;

struct native_sums_of {
    uint32_t session, thread;
    uint8_t phase, state;
};

struct native_sums {
    struct native_sums_of of;
    uint32_t used_count, sample_count;
    uint16_t used[SHORT_NODES]; /* the cells that are not 0, and one more */
    uint64_t cells[SHORT_NODES];
    /* The batch that is sent. */
    uint32_t nodes[SUMS_BATCH_SIZE];
    uint32_t counts[SUMS_BATCH_SIZE];
    uint64_t weights_ns[SUMS_BATCH_SIZE];
    uint8_t phases[SUMS_BATCH_SIZE];
    uint8_t states[SUMS_BATCH_SIZE];
};

/* What is left of the samples of a chunk. */
struct native_sums_input {
    const unsigned char *at, *end;
    uint64_t left;    /* samples */
    uint64_t elapsed; /* those that were taken: units */
};

/*
 * Take in short samples, up to the first other one or the last bytes. Returns
 * 0, or what native_sums_send() does.
 */
int
native_sums_take(struct native *native, const struct native_sums_of *of,
                 struct native_sums_input *input);

/*
 * Hand over what was summed: when something else is, before a session has more
 * nodes, and in the end. Returns 0, or -ECANCELED after on_batch said to stop.
 */
int
native_sums_send(struct native *native);

#endif
