/* SPDX-License-Identifier: MIT */

/* A group of tests whose thread counts its bytecodes. */
#ifndef COUNTING_H
#define COUNTING_H

#include "bytecodes.h"

static struct vmprof_thread *self;

static inline void
run(vmprof_code_id code, uint64_t offset, uint32_t opcode,
    const vmprof_type_id *operands)
{
    vmprof_count_bytecode(self, code, offset, opcode, operands);
}

static inline int
set_up(void **state)
{
    (void)state;
    bytecodes_set_up();
    return vmprof_attach_thread(NULL, &self);
}

static inline int
tear_down(void **state)
{
    (void)state;
    return vmprof_detach_thread(self);
}

#endif
