/* SPDX-License-Identifier: MIT */

/*
 * The JIT as the rest of the VM sees it. It records what the interpreter does
 * from a hot loop or function on, until it comes back to where it began, and
 * compiles that path. What one thread has compiled no other one runs, so that
 * there is nothing to lock.
 *
 * The interpreter hands over at LOOP and CALL, and while a path is recorded at
 * each instruction: through other tables of labels, so that a VM without a JIT
 * pays nothing.
 */
#ifndef TOY_JIT_H
#define TOY_JIT_H

#include "program.h"

#include <stdbool.h>

struct interp;
struct frame;
struct jit;
struct jit_profile;
struct jit_truth;

enum jit_backend {
    JIT_OFF,
    JIT_MACHINE,  /* machine code, where there is a generator for it */
    JIT_THREADED, /* operations that a loop in C runs */
};

struct jit_settings {
    enum jit_backend backend;
    uint32_t hot;    /* rounds of a loop until it is recorded */
    uint32_t bridge; /* failures of a guard until a bridge is */
    uint32_t emits;  /* VMPROF_EMIT_..., what edges tell the profiler; 0: what
                        whoever started it wants */
    bool truth;      /* count edges, and time as the next one says */
    enum jit_truth_clock {
        JIT_TRUTH_NO_CLOCK,
        JIT_TRUTH_CPU_CLOCK, /* of the thread; some hundred nanoseconds */
        JIT_TRUTH_TICKS,     /* of the processor; passing time */
    } clock;
    struct vmprof_loaded_profile *types; /* of an earlier run; NULL: none */
};

/* Sets interp->jit; NULL where settings say so. A name for the truth. */
void
jit_start(struct interp *interp, const struct jit_settings *settings,
          const char *thread);

/* NULL of NULL. */
const struct jit_settings *
jit_settings_of(const struct jit *jit);

/* Frees all that was compiled. */
void
jit_stop(struct interp *interp);

/* What the interpreter does next. */
enum jit_next {
    JIT_INTERPRET, /* the instruction that it has */
    JIT_GO_ON,     /* what the current frame says: compiled code has run */
    JIT_THROW,     /* handle interp->thrown, likewise */
};

/* At LOOP, at CALL, and while jit_records() at each instruction. The stack
 * pointer is the one that calls are entered with. */
enum jit_next
jit_step(struct interp *interp, struct frame *frame, const uint32_t *pc,
         struct value *sp, uintptr_t stack_pointer);

bool
jit_records(const struct jit *jit);

/* Forget what was compiled of a function, also inside of other ones. */
void
jit_invalidate(struct interp *interp, const struct function *function);

#endif
