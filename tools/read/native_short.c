/* SPDX-License-Identifier: MIT */

#include "native_short.h"

#include <string.h>

enum {
    /* A sample may begin in the last byte of the block. */
    BYTES = SHORT_BLOCK + SHORT_LONGEST - 1,
};

/*
 * Without a branch and in bytes, so that compilers take many at once. The four
 * are one behind the other; a compiler that knew it would keep each byte for
 * the next rounds, and rounds that wait for each other go one by one.
 */
static inline __attribute__((always_inline)) void
fill(struct short_block *restrict block, const unsigned char *restrict heads,
     const unsigned char *restrict seconds,
     const unsigned char *restrict thirds,
     const unsigned char *restrict fourths)
{
    for (unsigned i = 0; i < SHORT_BLOCK; i++) {
        const uint8_t head = heads[i], second = seconds[i];
        const uint8_t third = thirds[i], fourth = fourths[i];
        const uint8_t two = (uint8_t) - (head >> 7);
        const uint8_t weighs = (uint8_t) - (head & 1);
        const uint8_t high = second & two;
        const uint8_t elapsed = (second & ~two) | (third & two);
        const uint8_t last = (third & ~two) | (fourth & two);
        const uint8_t zigzag = last & weighs;
        const uint8_t off = (uint8_t)(zigzag >> 1 ^ -(zigzag & 1));
        const uint8_t weight = (uint8_t)(elapsed + off);
        /* Below 0, and not just above 127. */
        const uint8_t negative = off & weight;
        const uint8_t too_long = (high | elapsed | zigzag | negative) & 0x80;
        const uint8_t is_node = (head & 0x7e) | high;
        const uint8_t good = (uint8_t) - (is_node && !too_long);

        block->size[i] = (uint8_t)(2 + (two & 1) + (weighs & 1)) & good;
        block->elapsed[i] = elapsed;
        block->weight[i] = weight;
        block->node[i] = (uint16_t)((head & 0x7e) >> 1 | high << 6);
    }
}

typedef void (*fill_function)(struct short_block *, const unsigned char *,
                              const unsigned char *, const unsigned char *,
                              const unsigned char *);

#if defined(__x86_64__)
static __attribute__((noinline, target("avx2"))) void
fill_by_32(struct short_block *restrict block,
           const unsigned char *restrict heads,
           const unsigned char *restrict seconds,
           const unsigned char *restrict thirds,
           const unsigned char *restrict fourths)
{
    fill(block, heads, seconds, thirds, fourths);
}
#endif

static __attribute__((noinline)) void
fill_anywhere(struct short_block *restrict block,
              const unsigned char *restrict heads,
              const unsigned char *restrict seconds,
              const unsigned char *restrict thirds,
              const unsigned char *restrict fourths)
{
    fill(block, heads, seconds, thirds, fourths);
}

static fill_function
best_fill(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        return fill_by_32;
#endif
    return fill_anywhere;
}

static void
fill_block(struct short_block *block, const unsigned char *bytes)
{
    best_fill()(block, bytes, bytes + 1, bytes + 2, bytes + 3);
}

void
short_block_fill(struct short_block *block, const unsigned char *at,
                 const unsigned char *end)
{
    const size_t left = (size_t)(end - at);
    unsigned char bytes[BYTES];

    if (left >= BYTES) {
        block->count = SHORT_BLOCK;
        fill_block(block, at);
        return;
    }
    block->count =
        left < SHORT_LONGEST ? 0 : (uint32_t)left - SHORT_LONGEST + 1;
    if (!block->count)
        return;
    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, at, left);
    fill_block(block, bytes);
}
