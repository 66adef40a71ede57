/* SPDX-License-Identifier: MIT */

/* Looking at the code that a signal interrupted. Signal context. */
#ifndef VMP_INSTRUCTION_H
#define VMP_INSTRUCTION_H

#include "../../os/machine.h"

/*
 * As vmp_interrupted_call(), of a machine whose call is these bytes, 4 at most, where
 * a signal interrupted the code at `pc` with `result` in the register of results. Code
 * that cannot be read may be any.
 */
enum vmp_call
vmp_call_by_code(uint64_t pc, long result, const unsigned char *bytes,
                 unsigned size, uint64_t *at);

#endif
