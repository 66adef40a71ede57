/* SPDX-License-Identifier: MIT */

/* A code object with a bytecode that is counted. */
#ifndef COUNTED_H
#define COUNTED_H

#include "operations.h"

#include "bytecodes.h"

enum {
    OFFSET = 7, /* of the bytecode */
};

static struct object object = { .hash = 1 };
static vmprof_code_id counted;
static vmprof_type_id number;

static inline void
prepare(struct world *w)
{
    (void)w;
    bytecodes_set_up();
    counted = register_object(&object, NULL);
    number = register_type("int");
}

/* Of a thread that was profiled from the start. */
static inline void
require_hits(uint64_t hits, uint64_t typed)
{
    struct vmprof_type_profile *const profile = take_profile();

    require(profile_info(profile).hits == hits);
    require(find_row(profile, counted, OFFSET).hits == hits);
    require(find_row(profile, counted, OFFSET).typed == typed);
    vmprof_free_type_profile(profile);
}

static inline void
require_a_hit(struct world *w)
{
    (void)w;
    require_hits(1, 1);
}

#endif
