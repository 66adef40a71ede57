/* SPDX-License-Identifier: MIT */

/*
 * What --types-truth prints: how often each instruction ran while it was to be
 * counted, and with which types, by a count of each one of them. It knows
 * nothing of the profiler, so the two can be compared.
 */
#ifndef TOY_TYPE_TRUTH_H
#define TOY_TYPE_TRUTH_H

#include "program.h"

#include <stdio.h>

/* Of one thread. */
struct type_truth;

struct type_truth *
type_truth_start(const struct program *program);

/* An instruction is about to run. */
void
type_truth_count(struct type_truth *truth, const struct function *function,
                 const uint32_t *pc, const struct value *sp);

/* Keep the thread's to be printed. NULL is allowed. */
void
type_truth_stop(struct type_truth *truth);

/* A line of JSON for each thread, place and tuple of types; frees all that was
 * kept. */
void
type_truth_print(const struct program *program, FILE *file);

#endif
