/* SPDX-License-Identifier: MIT */

/* Machine code as text: by libcapstone, or, built without it, as its bytes. */
#ifndef VIEW_DISASSEMBLE_H
#define VIEW_DISASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct instruction {
    uint64_t offset; /* from the first byte */
    size_t size;
    const char *text; /* ASCII; good until the next one */
};

/* Returning other than 0 stops it with that result. */
typedef int (*instruction_function)(void *user,
                                    const struct instruction *instruction);

/*
 * Hand over each instruction of code at an address, for a machine as uname()
 * calls it. What is none is handed over as bytes. Returns 0, -ENOTSUP for
 * machines that nothing is known of (then none was handed over), or -ENOMEM.
 */
int
disassemble(const char *machine, uint64_t address, const unsigned char *code,
            size_t size, instruction_function on_instruction, void *user);

#endif
