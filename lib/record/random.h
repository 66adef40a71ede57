/* SPDX-License-Identifier: MIT */

/* Numbers that no program is in step with (xorshift). A state is never 0. */
#ifndef VMP_RANDOM_H
#define VMP_RANDOM_H

#include <stdint.h>

static inline uint64_t
vmp_draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* From 1 to twice the period less 1, each as likely. */
static inline uint64_t
vmp_draw_countdown(uint64_t *state, uint64_t period)
{
    return period == 1 ? 1 : 1 + vmp_draw(state) % (2 * period - 1);
}

#endif
