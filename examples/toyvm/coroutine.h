/* SPDX-License-Identifier: MIT */

/*
 * Coroutines: frames of their own that run on top of whoever resumed them. A
 * thread's own frames are a coroutine too, one that nobody resumed.
 */
#ifndef TOY_COROUTINE_H
#define TOY_COROUTINE_H

#include "heap.h"

struct interp;
struct frame;
struct segment;
struct vmprof_stack;

enum coroutine_status {
    COROUTINE_NEW,
    COROUTINE_ACTIVE, /* runs, or waits for one that it resumed */
    COROUTINE_SUSPENDED,
    COROUTINE_DONE,
};

struct coroutine {
    struct cell cell;
    enum coroutine_status status;
    struct coroutine *resumer;  /* while active */
    struct frame *frame;        /* the innermost */
    struct segment *segment;    /* that it lies in */
    size_t depth;               /* number of frames */
    struct vmprof_stack *stack; /* the profiler's; NULL: the thread's own */
};

/* Both leave interp->current->frame ready to run; false: an exception, which is
 * what was sent if that `throws`. */
bool
coroutine_resume(struct interp *interp, struct value coroutine,
                 struct value sent, bool throws, uintptr_t stack_pointer);
bool
coroutine_yield(struct interp *interp, struct value sent);

/* The running coroutine ends; its resumer goes on. */
void
coroutine_finish(struct interp *interp);

/* It does not run, and never will again. */
void
coroutine_drop(struct interp *interp, struct coroutine *coroutine);

/* Free what it holds, but for the cell. */
void
coroutine_release(struct interp *interp, struct coroutine *coroutine);

#endif
