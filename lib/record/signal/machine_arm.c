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
    return ((const ucontext_t *)context)->uc_mcontext.arm_pc;
}

enum vmp_call
vmp_interrupted_call(const void *context, uint64_t *at)
{
    static const unsigned char svc[] = { 0x00, 0x00, 0x00, 0xef },
                               thumb_svc[] = { 0x00, 0xdf };
    const mcontext_t *const from = &((const ucontext_t *)context)->uc_mcontext;
    const long result = (long)from->arm_r0;
    const enum vmp_call call =
        vmp_call_by_code(from->arm_pc, result, svc, sizeof(svc), at);

    return call != VMP_NO_CALL
               ? call
               : vmp_call_by_code(from->arm_pc, result, thumb_svc,
                                  sizeof(thumb_svc), at);
}
