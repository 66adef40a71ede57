/* SPDX-License-Identifier: MIT */

/* Signal context. */

#include "../../os/machine.h"

#include <errno.h>
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
enum vmp_call
vmp_interrupted_call(const void *context, uint64_t *at)
{
    enum {
        SYSCALL_SIZE = 2,
    };
    const greg_t *const from = ((const ucontext_t *)context)->uc_mcontext.gregs;
    const greg_t next = from[REG_RCX], pc = from[REG_RIP];

    *at = (uint64_t)next - SYSCALL_SIZE;
    if (next == pc + SYSCALL_SIZE)
        return VMP_CALL_ENDED;
    if (next != pc)
        return VMP_NO_CALL;
    return from[REG_RAX] == -EINTR ? VMP_CALL_ENDED : VMP_CALL_DONE;
}
