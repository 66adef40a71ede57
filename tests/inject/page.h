/* SPDX-License-Identifier: MIT */

/* What a tracer and its tracee share, and how they meet. */
#ifndef PAGE_H
#define PAGE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "operations.h"

struct page {
    unsigned delivered; /* ticks that the tracer let through */
    intptr_t result;    /* of the operation */
    int error;          /* errno after it */
    bool burns;     /* CPU time before the operation, until the clock ticks */
    siginfo_t tick; /* of the clock; all 0: not known yet */
    int event;      /* perf's descriptor, whose ticks are others; or 0 */
    char after[64]; /* the stack after it, as the tracee walks it */
};

enum {
    NOT_HERE = 77, /* what a tracee ends with that has no such clock */
};

/* The tracer looks from one of these to the next. */
static inline void
stop_here(void)
{
    __asm__ volatile("int3" ::: "memory");
}

/* Body of a traced child: the operation between two stops, and what must be
 * true of the profile in the end. Exits with 1 if it is not. */
void
tracee_run(const struct operation *operation, struct page *page);

#endif
