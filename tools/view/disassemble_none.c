/* SPDX-License-Identifier: MIT */

/* In place of disassemble_capstone.c. */
#include <errno.h>

#include "disassemble.h"

int
disassemble(const char *machine, uint64_t address, const unsigned char *code,
            size_t size, instruction_function on_instruction, void *user)
{
    (void)machine;
    (void)address;
    (void)code;
    (void)size;
    (void)on_instruction;
    (void)user;
    return -ENOTSUP;
}
