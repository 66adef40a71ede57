/* SPDX-License-Identifier: MIT */

/* No JIT compiles for this machine. Signal context. */

#include "../machine.h"

struct rvm_place
rvm_interrupted_at(const void *context)
{
    (void)context;
    return (struct rvm_place){ 0 };
}
