/* SPDX-License-Identifier: MIT */

/*
 * Compiled code of the VM, one trace at a time: put together operation by
 * operation, registered in the codemap, run, and taken out again.
 */
#ifndef JIT_H
#define JIT_H

#include <stddef.h>

#include "vm.h"

enum {
    JIT_MOST_LIST = 4 * 16,
    JIT_MOST_NESTED = 8,
};

struct jit_trace {
    unsigned char *code; /* where it begins */
    size_t size;
    long list[JIT_MOST_LIST]; /* of the codemap */
    unsigned length;
    unsigned open[JIT_MOST_NESTED], depth;
    void *own; /* of what makes the code */
};

void
jit_begin(struct jit_trace *trace, Signed unique_id);

/* What follows is of a code that is inlined here. */
void
jit_enter(struct jit_trace *trace, Signed unique_id);
void
jit_leave(struct jit_trace *trace);

/* Count down from that, and call a C function. */
void
jit_spin(struct jit_trace *trace, unsigned long count);
void
jit_call(struct jit_trace *trace, void (*function)(void *), void *argument);

/* Write to where nothing is. */
void
jit_crash(struct jit_trace *trace);

/* It is whole: it can be run, and found. */
void
jit_end(struct jit_trace *trace);

void
jit_run(const struct jit_trace *trace);

void
jit_free(struct jit_trace *trace);

/* Of those who make the code. */
void
jit_list_enter(struct jit_trace *trace, Signed unique_id, size_t at);
void
jit_list_leave(struct jit_trace *trace, size_t at);

#endif
