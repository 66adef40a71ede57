/* SPDX-License-Identifier: MIT */

/*
 * Threads of the VM. Each has an interpreter and a heap of its own; what goes
 * from one to another is copied while one of the two stands still. A thread
 * ends when those that it started have ended. So there is nothing to lock.
 */
#ifndef TOY_THREAD_H
#define TOY_THREAD_H

#include "interp.h"
#include "jit.h"

/* What is to be counted besides, to compare profiles with. */
enum {
    TRUTH_TIMES = 1, /* truth.h */
    TRUTH_TYPES = 2, /* type_truth.h */
};

/* Run the program's text with a list of strings as its argument, in the calling
 * thread, or in so many new ones if there is to be more than one. Returns false
 * after a message on stderr. */
bool
thread_run(const struct program *program, char **arguments, size_t count,
           unsigned truth, const struct jit_settings *jit, size_t thread_count);

/* copy.c: the same value in another heap. NULL, or why it cannot be. */
const char *
copy_value(struct heap *target, struct value value, struct value *out);

#endif
