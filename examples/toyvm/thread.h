/* SPDX-License-Identifier: MIT */

/*
 * Threads of the VM. Each has an interpreter and a heap of its own; what goes
 * from one to another is copied while one of the two stands still. So there is
 * nothing to lock but the list of threads.
 */
#ifndef TOY_THREAD_H
#define TOY_THREAD_H

#include "interp.h"

/* Run the program's text in the calling thread, with a list of strings as its
 * argument. Returns false after a message on stderr. */
bool
thread_run_main(const struct program *program, char **arguments, size_t count,
                bool truth);

/* The same in so many new threads. */
bool
thread_run_many(const struct program *program, char **arguments, size_t count,
                bool truth, size_t thread_count);

/* Wait for the threads that nobody has joined. False if an exception ended
 * one; a message has been written. */
bool
thread_join_rest(void);

/* copy.c: the same value in another heap. NULL, or why it cannot be. */
const char *
copy_value(struct heap *target, struct value value, struct value *out);

#endif
