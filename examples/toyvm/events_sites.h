/* SPDX-License-Identifier: MIT */

/* What an instruction has to tell: events.c marks it, events_tell.c tells it. */
#ifndef TOY_EVENTS_SITES_H
#define TOY_EVENTS_SITES_H

#include <stdatomic.h>

#include "events.h"

#define BIT(kind) VMPROF_EVENT_BIT(VMPROF_EVENT_##kind)

/* Of a LOOP: the line that it jumps to begins. No event has this number. */
#define LINE_OF_TURN ((uint64_t)1 << 63)

struct site {
    atomic_uint_least64_t told; /* bits, of what somebody wants to be told */
    uint32_t line;              /* that begins here; 0: none does */
    uint32_t turn;              /* that begins when it is jumped back to */
};

static inline size_t
target_of(const struct function *function, size_t offset)
{
    return (size_t)((int64_t)offset + 1 +
                    operand_of(word_at(&function->code[offset])));
}

/* All who wanted an event have disabled it there: it is told no more until
 * something else is wanted. */
void
events_clear(const struct function *function, size_t offset, uint64_t events,
             uint64_t epoch);

#endif
