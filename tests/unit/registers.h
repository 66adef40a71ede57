/* SPDX-License-Identifier: MIT */

/* Run machine code with all registers set, and see all of them afterwards. One
 * file for each machine, registers_*.c. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MOST_REGISTERS = 32,
    MOST_VECTORS = 32,
    LEAD_SIZE = 32, /* of what leads into the code, or out of it */
};

struct registers {
    uint64_t general[MOST_REGISTERS]; /* by number; at its own the stack's */
    uint64_t flags, reserved;
    unsigned char vectors[MOST_VECTORS][16];
};

extern const unsigned general_count;
extern const unsigned stack_register;
extern const uint64_t flags_mask; /* of those that may be either */
extern const uint64_t flags_set;  /* beside these, which must be set */
extern const unsigned red_zone;

/* Write what comes before the code. Returns its size. */
size_t
write_head(unsigned char *at, const struct registers *in);

/* Write what comes behind the code: it leads back to run_code(). Returns its
 * size. */
size_t
write_tail(unsigned char *at);

void
run_code(const void *code, const struct registers *in, struct registers *out);

/* Make what was written there ready to run. */
void
code_was_written(void *code, size_t size);

#endif
