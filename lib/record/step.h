/* SPDX-License-Identifier: MIT */

/*
 * One step of unwinding where no row can say how: by libunwind, from the copy of
 * the stack; step_libunwind.c, or step_none.c without it. The writer's alone.
 */
#ifndef VMP_STEP_H
#define VMP_STEP_H

#include "modules.h"
#include "native.h"

/* Whether there is a libunwind, which is loaded by the first call: without,
 * copies are not unwound. Not under a lock. */
bool
vmp_step_load(void);

struct vmp_stepper;

/* Sets NULL, which vmp_step() takes, where it is not loaded. Returns 0 or
 * -ENOMEM. */
int
vmp_stepper_new(struct vmp_stepper **out, struct vmp_modules *modules,
                struct vmp_reader *reader);
void
vmp_stepper_free(struct vmp_stepper *stepper);

/* From a function to what called it. Returns 1; 0 if nothing did; or a negative
 * number: it is not known. */
int
vmp_step(struct vmp_stepper *stepper, const struct vmp_native *stack,
         const unsigned char *copy, struct vmp_registers *registers);

#endif
