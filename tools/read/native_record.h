/* SPDX-License-Identifier: MIT */

/* Samples in few bytes, as nearly all are, without a branch on their form. */
#ifndef READ_NATIVE_RECORD_H
#define READ_NATIVE_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#if defined(__x86_64__)
#    include <immintrin.h>
#endif

#include "format/varint.h"

enum {
    /* The node of a short record, plus 1, is below. */
    SHORT_NODES = 1 << 13,
};

struct record {
    uint64_t node; /* the session's index plus 1; 0: it is no sample */
    uint64_t elapsed, weight;
    uint64_t next; /* what follows in the word */
    uint64_t bad;  /* not 0: it is no short record */
    unsigned size; /* bytes */
};

/*
 * Short are one or two bytes for the node, one for the time, and one for a
 * weight or none. Which of these cannot be predicted. They come back by value,
 * for through memory it would be the slowest step.
 */
typedef struct record (*short_function)(uint64_t word);

static inline __attribute__((always_inline)) struct record
short_record(uint64_t word)
{
    const uint64_t weighs = word & 1;
    const uint64_t two = word >> 7 & 1;
    const uint64_t rest = word >> (8 + 8 * two);
    const uint64_t head = (word & 0x7f) | (word >> 1 & (0x3f80 & -two));
    const uint64_t elapsed = rest & 0x7f;
    const uint64_t zigzag = rest >> 8 & 0x7f & -weighs;

    return (struct record){
        .node = head >> 1,
        .elapsed = elapsed,
        .weight = elapsed + (uint64_t)vmp_unzigzag(zigzag),
        .size = 2 + (unsigned)(two + weighs),
        .next = rest >> (8 + 8 * weighs),
        .bad = (word & two << 15) | (rest & (0x80 | weighs << 15)),
    };
}

#if defined(__x86_64__)
/* Where the parts are, by whether it weighs, and whether the node has two. */
static const struct short_masks {
    uint64_t node, elapsed, zigzag, bad;
} short_masks[2][2] = {
    { { 0x7e, 0x7f00, 0, 0x8000 }, { 0x7e, 0x7f00, 0x7f0000, 0x808000 } },
    { { 0x7f7e, 0x7f0000, 0, 0x808000 },
      { 0x7f7e, 0x7f0000, 0x7f000000, 0x80808000 } },
};

static inline __attribute__((always_inline, target("bmi2"))) struct record
short_record_bmi2(uint64_t word)
{
    const uint64_t weighs = word & 1;
    const uint64_t two = word >> 7 & 1;
    const struct short_masks *const mask = &short_masks[two][weighs];
    const uint64_t elapsed = _pext_u64(word, mask->elapsed);
    const unsigned size = 2 + (unsigned)(two + weighs);

    return (struct record){
        .node = _pext_u64(word, mask->node),
        .elapsed = elapsed,
        .weight =
            elapsed + (uint64_t)vmp_unzigzag(_pext_u64(word, mask->zigzag)),
        .size = size,
        .next = word >> 8 * size,
        .bad = word & mask->bad,
    };
}

static inline bool
has_bmi2(void)
{
    return __builtin_cpu_supports("bmi2");
}
#endif

#endif
