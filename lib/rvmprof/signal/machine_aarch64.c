/* SPDX-License-Identifier: MIT */

/* Signal context. */

#include "../machine.h"

#include <ucontext.h>

struct rvm_place
rvm_interrupted_at(const void *context)
{
    const mcontext_t *const machine =
        &((const ucontext_t *)context)->uc_mcontext;

    return (struct rvm_place){
        .pc = (uintptr_t)machine->pc,
        .sp = (uintptr_t)machine->sp,
    };
}
