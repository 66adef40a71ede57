/* SPDX-License-Identifier: MIT */

/* Which codes of two type profiles are the same. For types_diff alone. */
#ifndef ANALYSE_TYPES_MATCH_H
#define ANALYSE_TYPES_MATCH_H

#include "types_diff.h"

/* A code object on either side. */
struct match_item {
    const struct code *code;
    uint64_t hash;
    uint32_t group;
    uint32_t match; /* plus 1, of the other side; 0: none yet */
};

struct match_items {
    struct match_item *items;
    uint32_t count;
};

static inline int
compare_numbers(uint64_t left, uint64_t right)
{
    return left < right ? -1 : left > right;
}

/* Those of one side, none of them matched; to be freed. 0 or -ENOMEM. */
int
match_items_make(struct match_items *items, const struct diff_side *side);

/* Pass by pass, from what is surely the same to what probably is. */
void
match_items(struct match_items *before, struct match_items *after);

#endif
