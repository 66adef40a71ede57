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
    return (uint32_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_EIP];
}

/* With sysenter, too, the kernel returns behind one of these. */
enum vmp_call
vmp_interrupted_call(const void *context, uint64_t *at)
{
    static const unsigned char int_80[] = { 0xcd, 0x80 };

    const greg_t *const from = ((const ucontext_t *)context)->uc_mcontext.gregs;

    return vmp_call_by_code((uint32_t)from[REG_EIP], from[REG_EAX], int_80,
                            sizeof(int_80), at);
}
