/* SPDX-License-Identifier: MIT */

/* Two type profiles: which codes and sites are the same, and what changed. */
#ifndef ANALYSE_TYPES_DIFF_H
#define ANALYSE_TYPES_DIFF_H

#include "types.h"

enum change {
    CHANGE_MORE,   /* a site became polymorphic, or megamorphic */
    CHANGE_FEWER,  /* the other way */
    CHANGE_SHARES, /* as many types, but others, or in other shares */
    CHANGE_NEW,    /* met no types before, or was not there */
    CHANGE_GONE,
    CHANGE_NONE,
    CHANGE_TOO_FEW, /* hits to tell */
    CHANGES,
};

/* NULL: it is not there. */
struct site_change {
    enum change change;
    bool is_changed_code; /* found by line and opcode */
    const struct type_group *before_group, *after_group;
    const struct type_site *before, *after;
};

struct code_change {
    const struct type_group *before, *after;
};

struct diff_side {
    const struct profile *profile;
    const struct type_groups *groups;
};

struct diff_rule {
    struct kind_rule kinds;
    double points;     /* by which a share must differ */
    uint32_t min_hits; /* where not every bytecode was one */
};

struct types_diff {
    struct diff_side before, after;
    struct diff_rule rule;
    struct site_change *sites; /* none of the last two; most frequent first */
    struct code_change *codes; /* whose content is not the same */
    uint32_t site_count, code_count;
    uint32_t site_capacity, code_capacity;
    uint64_t counts[CHANGES];
};

/*
 * Compare what has been put into `before`, `after` and `rule` of a zeroed one.
 *
 * Codes are the same if their names, files and hashes are; those that are left
 * over, if their hash is the same (they were moved or renamed), or their name
 * (their content changed). Sites are the same if their offset and opcode are;
 * in code that changed, if a line has as many of an opcode as before. Returns
 * 0 or -ENOMEM.
 */
int
types_diff_make(struct types_diff *diff);

void
types_diff_free(struct types_diff *diff);

#endif
