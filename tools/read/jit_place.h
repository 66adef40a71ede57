/* SPDX-License-Identifier: MIT */

/* How PyPy writes where in a program something is. */
#ifndef READ_JIT_PLACE_H
#define READ_JIT_PLACE_H

#include "span.h"
#include "traces_store.h"

/*
 * "function;file:first-line~#bytecode OPCODE", or of older ones "<code object
 * function, file 'file', line first> #bytecode OPCODE"; anything else is a
 * function. Returns the index of the place inside `outer`, or -ENOMEM.
 */
int64_t
jit_place(struct traces *traces, struct span text, uint32_t outer);

#endif
