/* SPDX-License-Identifier: MIT */

/* A machine whose native frames are not known, but where it was interrupted.
 * Signal context. */

#include "../../os/machine.h"

#include <ucontext.h>

const struct vmp_machine vmp_machine = { .is_known = false };

void
vmp_registers_of_context(struct vmp_registers *registers, const void *context)
{
    (void)context;
    *registers = (struct vmp_registers){ { 0 } };
}

uint64_t
vmp_interrupted_at(const void *context)
{
    return (uint32_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_EIP];
}
