/* SPDX-License-Identifier: MIT */

/* What a struct vmprof_stack is. */
#ifndef VMP_STACK_H
#define VMP_STACK_H

#include <stdatomic.h>
#include <stdbool.h>

#include <vmprof/stack.h>

/* Where a stack was resumed or switched to. Yielding to it does not count: that
 * is what it was waiting for. */
struct vmp_stack_place {
    uintptr_t stack_pointer;        /* 0: it never was */
    const struct vmprof_frame *top; /* as it was then */
};

struct vmprof_stack {
    struct vmprof_frame *frames; /* slot 0 is the parent of the first frame */
    struct vmprof_frame *top;    /* kept here while it does not run */
    struct vmprof_frame *limit;
    struct vmprof_stack *caller;  /* the stack that resumed this one */
    uint64_t caller_id;           /* as it was then: a thread's own may end */
    uint64_t id;                  /* never used again for another stack */
    uint64_t runs;                /* times it was gone on with */
    struct vmp_stack_place place; /* where that was last done */
    bool is_own;                  /* a thread's, on which no other can run */
    atomic_uint in_use; /* it runs, or waits beneath one that does: the
                                    number of the process in which it does */
    atomic_uint above;  /* stacks that were resumed on it */
};

/* Map room for `max_depth` frames. Returns 0 or -ENOMEM. */
int
vmp_stack_map(struct vmprof_stack *stack, size_t max_depth);
void
vmp_stack_unmap(struct vmprof_stack *stack);

/* Make it the caller's to run on; false if it is somebody's. */
bool
vmp_stack_take(struct vmprof_stack *stack);

/* The child of a fork(): what other threads ran on is free. `running` is the
 * calling thread's innermost stack, or NULL. */
void
vmp_stacks_leave_to_parent(struct vmprof_stack *running);

/* A stack, and all that wait beneath it, are no longer in use: the thread that
 * ran them ends. */
void
vmp_stack_release(struct vmprof_stack *stack);

/* Frames on a stack that ends at `top`: one past the limit if it is overfull. */
static inline size_t
vmp_stack_depth(const struct vmprof_stack *stack,
                const struct vmprof_frame *top)
{
    const struct vmprof_frame *const end =
        top < stack->limit ? top : stack->limit;

    return (size_t)(end - stack->frames) - 1;
}

enum {
    VMP_MAX_DEPTH = 1 << 24,
};

/* The code of slot 0; no id has these bits. */
#define VMP_STACK_BOTTOM UINT64_MAX

#endif
