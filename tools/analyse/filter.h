/* SPDX-License-Identifier: MIT */

/* Summing only some of the samples. */
#ifndef ANALYSE_FILTER_H
#define ANALYSE_FILTER_H

#include "tree.h"

/* Samples of one phase, or those that came late. */
struct sample_filter {
    struct tree *tree;
    int phase;      /* -1: all */
    bool held_back; /* those alone whose signal was blocked */
};

/* A batch_function as tree_add(); `user` is a struct sample_filter. */
int
sample_filter_add(void *user, const struct profile *profile,
                  const struct batch *batch);

/*
 * Before tree_finish(): leave out all threads but those of that name or that
 * number in the kernel. Returns how many there are.
 */
uint32_t
tree_keep_thread(struct tree *tree, const struct profile *profile,
                 const char *name);

#endif
