/* SPDX-License-Identifier: MIT */

/* Stepping a child through one operation and sending it ticks on the way. */
#ifndef STEPPER_H
#define STEPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "page.h"

/* The instructions of a run between its two stops, in order. */
struct steps {
    uintptr_t *pcs;
    size_t count;
};

/* How a run ended. */
struct ending {
    int status;   /* as waitpid() gives it */
    bool hung;    /* it had to be killed */
    size_t ticks; /* that were sent at instructions */
};

/* Where the kernel's own code is in this process and its children. */
void
stepper_set_vdso(uintptr_t from, uintptr_t to);

/*
 * Run an operation in a child without a tick. The steps are the caller's to
 * free; what the run shared is left in `page`.
 */
struct ending
stepper_record(const struct operation *operation, struct page *page,
               struct steps *steps);

/* Send one tick, before the instruction at `pc` is run for the nth time, from
 * 1. */
struct ending
stepper_inject_at(const struct operation *operation, struct page *page,
                  uintptr_t pc, unsigned nth);

/* Send a tick before each instruction of one run, and tell of each. */
struct ending
stepper_inject_everywhere(const struct operation *operation, struct page *page,
                          void (*told)(void *user, uintptr_t pc), void *user);

#endif
