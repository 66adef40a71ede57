/* SPDX-License-Identifier: MIT */

/* Looking at the code that a signal interrupted. Signal context. */
#ifndef VMP_INSTRUCTION_H
#define VMP_INSTRUCTION_H

#include <stdbool.h>
#include <stdint.h>

/* Whether these bytes, 4 at most, are at an address or end there; true also if it
 * cannot be read. */
bool
vmp_is_at_instruction(uint64_t at, const unsigned char *bytes, unsigned size);

#endif
