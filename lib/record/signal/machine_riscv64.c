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

enum vmp_call
vmp_interrupted_call(const void *context, uint64_t *at)
{
    static const unsigned char ecall[] = { 0x73, 0x00, 0x00, 0x00 };

    const unsigned long *const from =
        ((const ucontext_t *)context)->uc_mcontext.__gregs;

    return vmp_call_by_code(from[REG_PC], (long)from[REG_A0], ecall,
                            sizeof(ecall), at);
}
