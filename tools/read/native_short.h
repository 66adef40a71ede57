/* SPDX-License-Identifier: MIT */

/*
 * Samples in few bytes, as nearly all are: one or two for the node, one for the
 * time, and one for a weight or none. Which of these cannot be predicted, and
 * where a sample begins is only known from the one before. So all that a sample
 * can hold is worked out for each byte as if one began there, many at once;
 * then it takes but a look to go from one to the next.
 */
#ifndef READ_NATIVE_SHORT_H
#define READ_NATIVE_SHORT_H

#include <stdint.h>

enum {
    SHORT_BLOCK = 512, /* bytes */
    SHORT_LONGEST = 4,
    SHORT_SHORTEST = 2,
    /* The node of a short sample, plus 1, is below. */
    SHORT_NODES = 1 << 13,
};

struct short_block {
    uint32_t count;            /* bytes, in which whole samples may begin */
    uint8_t size[SHORT_BLOCK]; /* 0: no short sample begins here */
    uint8_t elapsed[SHORT_BLOCK];
    uint8_t weight[SHORT_BLOCK];
    uint16_t node[SHORT_BLOCK]; /* the session's index plus 1 */
};

/* Where to stop, from `at` on, so that it be `most` samples, or some fewer. */
static inline uint64_t
short_block_end(const struct short_block *block, uint64_t at, uint64_t most)
{
    const uint64_t end = at + (most - 1) * SHORT_SHORTEST + 1;

    return most < SHORT_BLOCK && end < block->count ? end : block->count;
}

/* Look at the next bytes. A count of 0: there are too few. */
void
short_block_fill(struct short_block *block, const unsigned char *at,
                 const unsigned char *end);

#endif
