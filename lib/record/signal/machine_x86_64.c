/* SPDX-License-Identifier: MIT */

/* Signal context. */

#include "../../os/machine.h"

#include <ucontext.h>

const struct vmp_machine vmp_machine = {
    .is_known = true,
    .registers = 17,
    .pc = 16,
    .sp = 7,
    .fp = 6,
    .return_address = 16,
    .red_zone = 128,
    .code_bits = UINT64_MAX,
};

void
vmp_registers_of_context(struct vmp_registers *registers, const void *context)
{
    static const unsigned char greg[] = {
        REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
        REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
        REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
    };
    const greg_t *const from = ((const ucontext_t *)context)->uc_mcontext.gregs;

    for (unsigned i = 0; i < sizeof(greg); i++)
        registers->value[i] = (uint64_t)from[greg[i]];
}

uint64_t
vmp_interrupted_at(const void *context)
{
    return (uint64_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

/* The instruction left the next one's address there; the kernel gave it back, or
 * steps back to the instruction itself so that it is run again. */
bool
vmp_is_at_system_call(const void *context)
{
    const greg_t *const from = ((const ucontext_t *)context)->uc_mcontext.gregs;

    return from[REG_RCX] == from[REG_RIP] || from[REG_RCX] == from[REG_RIP] + 2;
}
