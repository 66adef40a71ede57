/* SPDX-License-Identifier: MIT */

#include "step.h"

#include <stddef.h>

bool
vmp_step_load(void)
{
    return false;
}

int
vmp_stepper_new(struct vmp_stepper **out, struct vmp_modules *modules,
                struct vmp_reader *reader)
{
    (void)modules, (void)reader;
    *out = NULL;
    return 0;
}

void
vmp_stepper_free(struct vmp_stepper *stepper)
{
    (void)stepper;
}

int
vmp_step(struct vmp_stepper *stepper, const struct vmp_native *stack,
         const unsigned char *copy, struct vmp_registers *registers)
{
    (void)stepper, (void)stack, (void)copy, (void)registers;
    return -1;
}
