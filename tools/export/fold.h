/* SPDX-License-Identifier: MIT */

/*
 * Distinct functions, and the call tree with what an export does not show
 * folded away. The reader's nodes differ by the line and the instruction of
 * every frame; most formats tell apart less than that.
 */
#ifndef EXPORT_FOLD_H
#define EXPORT_FOLD_H

#include "../read/profile.h"
#include "dense.h"

/*
 * Codes of equal class, name, file, line and module are one function: a VM that
 * loads a file twice, or two processes that share a profile, register it twice.
 */
struct functions {
    uint32_t *of_code; /* by code: the function */
    uint32_t *code;    /* by function: one of its codes */
    uint32_t count;
};

/* Returns 0 or -ENOMEM. */
int
functions_find(struct functions *functions, const struct profile *profile);

void
functions_free(struct functions *functions);

/*
 * A tree of labels; a label is whatever number the export gives a frame. Node
 * 0 is the root and has no label. A parent comes before its children.
 */
struct fold {
    struct dense nodes;
    uint32_t *of; /* by node of the profile: the folded node */
};

/* `labels` by frame of the profile. Returns 0 or -ENOMEM. */
int
fold_build(struct fold *fold, const struct profile *profile,
           const uint32_t *labels);

/* The child of `parent` with that label, made if need be; or DENSE_NONE. */
uint32_t
fold_child(struct fold *fold, uint32_t parent, uint32_t label);

uint32_t
fold_parent(const struct fold *fold, uint32_t node);

uint32_t
fold_label(const struct fold *fold, uint32_t node);

/*
 * The labels from `node` to the root, which is left out. `labels` has room for
 * fold_max_depth() of them. Returns their number.
 */
uint32_t
fold_path(const struct fold *fold, uint32_t node, uint32_t *labels);

/* Of the profile's deepest node, plus one for a child that an export adds. */
uint32_t
fold_max_depth(const struct profile *profile);

void
fold_free(struct fold *fold);

/* For functions whose name is empty. */
extern const char no_name[];

#endif
