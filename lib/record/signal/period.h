/* SPDX-License-Identifier: MIT */

/* How long it is to the next sample: what no program is in step with. */
#ifndef VMP_PERIOD_H
#define VMP_PERIOD_H

#include <stdint.h>

/* The moments of one thread's samples. A handler may draw while its thread does:
 * then one moment may be drawn twice, and the next sixteen are as they should. */
struct vmp_periods {
    uint64_t random;  /* never 0 */
    uint64_t order;   /* the sixteenths, a nibble each; those still to draw are
                          the lowest */
    uint32_t undrawn; /* so many are left of them */
};

/*
 * From `now_ns`, of the time that is sampled, to the next sample: half to one and a
 * half times `interval_ns`, which is less than 2^32 and not 0. It ends at a moment of
 * an interval, counted from the beginning of that time, of which any sixteen are in a
 * sixteenth each, in no order that a program could know. Any context.
 */
uint64_t
vmp_next_period(struct vmp_periods *periods, uint64_t interval_ns,
                uint64_t now_ns);

/*
 * To a sample that is as likely at any time as at any other, however long ago the last
 * one was: for programs that a tick itself makes begin anew, as it ends a sleep. With
 * any other period what comes soon after that has too few. `interval_ns`, which is
 * less than 2^32, on average, and up to 17 of them. Any context.
 */
uint64_t
vmp_memoryless_period(struct vmp_periods *periods, uint64_t interval_ns);

#endif
