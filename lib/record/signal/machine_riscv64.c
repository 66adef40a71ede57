/* SPDX-License-Identifier: MIT */

/* A machine whose native frames are not known, but where it was interrupted.
 * Signal context. */

#include "../../os/machine.h"

#include <ucontext.h>

#include "instruction.h"

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
    return ((const ucontext_t *)context)->uc_mcontext.__gregs[REG_PC];
}

bool
vmp_is_at_system_call(const void *context)
{
    static const unsigned char ecall[] = { 0x73, 0x00, 0x00, 0x00 };

    return vmp_is_at_instruction(vmp_interrupted_at(context), ecall,
                                 sizeof(ecall));
}
