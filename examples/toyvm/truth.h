/* SPDX-License-Identifier: MIT */

/*
 * What --truth prints: the CPU time of each function itself, by the thread's
 * CPU clock, read whenever another function starts or goes on. It knows nothing
 * of the profiler, so the two can be compared.
 *
 * Reading the clock is a system call of some hundred nanoseconds, which the
 * functions on both sides pay: programs that spend at least 100 us between two
 * calls or returns have shares that are exact to a few tenths of a percent.
 */
#ifndef TOY_TRUTH_H
#define TOY_TRUTH_H

#include "program.h"

#include <stdio.h>

struct native;

/* Of one thread. */
struct truth;

/* Starts to count for a function. */
struct truth *
truth_start(const struct program *program, const char *thread, size_t index);

/* From now on the time is another function's. */
void
truth_switch(struct truth *truth, size_t index);

/* The indexes of what is not a function of the program. */
size_t
truth_native(const struct program *program, const struct native *native);
size_t
truth_gc(const struct program *program);

/* Stop the calling thread's, and keep it to be printed. NULL is allowed. */
void
truth_stop(struct truth *truth);

/* One line of JSON; frees all that was kept. */
void
truth_print(const struct program *program, FILE *file);

#endif
