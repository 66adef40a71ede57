/* SPDX-License-Identifier: MIT */

/* Summing only some of the samples. */
#ifndef ANALYSE_FILTER_H
#define ANALYSE_FILTER_H

#include "tree.h"

/* Samples of one phase. */
struct phase_filter {
    struct tree *tree;
    uint8_t phase;
};

/* A batch_function as tree_add(); `user` is a struct phase_filter. */
int
phase_filter_add(void *user, const struct profile *profile,
                 const struct batch *batch);

/*
 * Before tree_finish(): leave out all threads but those of that name or that
 * number in the kernel. Returns how many there are.
 */
uint32_t
tree_keep_thread(struct tree *tree, const struct profile *profile,
                 const char *name);

#endif
