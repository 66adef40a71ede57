/* SPDX-License-Identifier: MIT */

/* Signal context. */

#include "../../os/machine.h"

#include <ucontext.h>

#include "instruction.h"

const struct vmp_machine vmp_machine = {
    .is_known = true,
    .registers = 33,
    .pc = 32,
    .sp = 31,
    .fp = 29,
    .return_address = 30,
    .red_zone = 0,
    .code_bits = ((uint64_t)1 << 48) - 1,
};

void
vmp_registers_of_context(struct vmp_registers *registers, const void *context)
{
    const mcontext_t *const from = &((const ucontext_t *)context)->uc_mcontext;

    for (unsigned i = 0; i < 31; i++)
        registers->value[i] = from->regs[i];
    registers->value[31] = from->sp;
    registers->value[32] = from->pc;
}

uint64_t
vmp_interrupted_at(const void *context)
{
    return ((const ucontext_t *)context)->uc_mcontext.pc;
}

enum vmp_call
vmp_interrupted_call(const void *context, uint64_t *at)
{
    static const unsigned char svc[] = { 0x01, 0x00, 0x00, 0xd4 };
    const mcontext_t *const from = &((const ucontext_t *)context)->uc_mcontext;

    return vmp_call_by_code(from->pc, (long)from->regs[0], svc, sizeof(svc),
                            at);
}
