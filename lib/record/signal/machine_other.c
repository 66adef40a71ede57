/* SPDX-License-Identifier: MIT */

/* A machine whose native frames are not known. Signal context. */

#include "../../os/machine.h"

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
    (void)context;
    return 0;
}

enum vmp_call
vmp_interrupted_call(const void *context, uint64_t *at)
{
    (void)context;
    *at = 0;
    return VMP_CALL_ENDED;
}
