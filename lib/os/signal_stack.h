/* SPDX-License-Identifier: MIT */

/* An alternate stack for the signals of a thread that has none. */
#ifndef VMP_SIGNAL_STACK_H
#define VMP_SIGNAL_STACK_H

#include <stddef.h>

/* All zero is none. */
struct vmp_signal_stack {
    void *map; /* a page that nobody may touch, and the stack */
    size_t size;
};

/*
 * Give the calling thread one, unless it has one or a sandbox forbids it: then
 * `stack` is none. Returns 0 or -ENOMEM.
 */
int
vmp_signal_stack_give(struct vmp_signal_stack *stack);

/*
 * Take it away from the calling thread again. It stays mapped if the thread has
 * another by now, or runs on it: whoever set that may want to put ours back.
 */
void
vmp_signal_stack_take(const struct vmp_signal_stack *stack);

#endif
