/* SPDX-License-Identifier: MIT */

/* Where a signal came; one file for each machine that has a JIT, in
 * signal/machine_*.c. Signal context. */
#ifndef RVM_MACHINE_H
#define RVM_MACHINE_H

#include <stdint.h>

struct rvm_place {
    uintptr_t pc; /* 0: unknown */
    uintptr_t sp;
};

/* `context` is a ucontext_t. */
struct rvm_place
rvm_interrupted_at(const void *context);

#endif
