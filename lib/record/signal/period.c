/* SPDX-License-Identifier: MIT */

#include "period.h"

#include "../random.h"

enum {
    MOST_HALVINGS = 23, /* 17 intervals */
};

static const double LN_2 = 0.69314718055994531;

/* A sixteenth that was not drawn since all were, as a number of 4 bits. */
static uint32_t
draw_sixteenth(struct vmp_periods *periods, uint32_t random)
{
    uint32_t undrawn = periods->undrawn, at, last;
    uint64_t order = periods->order, changed;

    if (!undrawn) {
        undrawn = 16;
        order = UINT64_C(0xfedcba9876543210);
    }
    at = (uint32_t)((uint64_t)random * undrawn >> 32) * 4;
    last = --undrawn * 4;
    /* The two change places. */
    changed = (order >> at ^ order >> last) & 15;
    order ^= changed << at | changed << last;
    periods->order = order;
    periods->undrawn = undrawn;
    return (uint32_t)(order >> last) & 15;
}

uint64_t
vmp_next_period(struct vmp_periods *periods, uint64_t interval_ns,
                uint64_t now_ns)
{
    const uint64_t x = vmp_draw(&periods->random);
    const uint32_t sixteenth = draw_sixteenth(periods, (uint32_t)(x >> 32)),
                   moment = sixteenth << 28 | ((uint32_t)x & 0xfffffff);
    const uint64_t moment_ns = (uint64_t)moment * interval_ns >> 32,
                   half_ns = interval_ns / 2;
    uint64_t period_ns = interval_ns + moment_ns - now_ns % interval_ns;

    if (period_ns < half_ns)
        period_ns += interval_ns;
    else if (period_ns >= half_ns + interval_ns)
        period_ns -= interval_ns;
    return period_ns | 1;
}

/* Minus the logarithm of what is left of 1 after so many halvings and a part of the
 * next one: that of 1 + x is 3 x (2 + x) / (6 + 6 x + x x), or a thousandth more. */
uint64_t
vmp_memoryless_period(struct vmp_periods *periods, uint64_t interval_ns)
{
    const uint64_t random = vmp_draw(&periods->random);
    const unsigned zeros =
        random ? (unsigned)__builtin_clzll(random) : MOST_HALVINGS;
    const double halvings = zeros < MOST_HALVINGS ? zeros : MOST_HALVINGS,
                 x = (double)(uint32_t)random / 0x1p32;
    const double logarithm =
        (halvings + 1) * LN_2 - 3 * x * (2 + x) / (6 + 6 * x + x * x);

    /* In whole numbers, for which no machine of 32 bits calls a library. */
    return (uint64_t)(uint32_t)(logarithm * 0x1p27) * interval_ns >> 27 | 1;
}
