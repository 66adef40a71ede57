/* SPDX-License-Identifier: MIT */

/* A profile of types while it is made. */
#ifndef VMP_INTERP_MAKING_H
#define VMP_INTERP_MAKING_H

#include "../../intern.h"
#include "collect.h"
#include "profile.h"

/* A row to be: of the table, or a site that was never hit. */
struct vmp_draft {
    uint64_t code, offset;
    const struct vmp_row *row; /* NULL: never hit */
    const struct vmp_interp_class *functions;
    uint32_t opcode;
};

/* A profile while it is made. */
struct vmp_making {
    struct vmprof_type_profile *profile;
    struct vmp_collected collected;
    struct vmp_draft *drafts;
    size_t count, capacity, tuple_count;
    struct vmp_intern types; /* (id, 0) */
    const char **type_names;
    struct vmp_intern opcodes; /* (class, opcode) */
    const char **opcode_names;
    const struct vmp_row *unplaced;    /* NULL: there are none */
    const struct vmp_late_code **late; /* by code */
    size_t late_count;
    bool ask_names;
};

/* The rows to be, by their codes and places. Returns 0 or -ENOMEM. */
int
vmp_draft_rows(struct vmp_making *m);

/* And the sites of their codes that were never hit. */
int
vmp_draft_unseen(struct vmp_making *m);

/* Names of the types in all tuples, once each; under the lock of the interpreters'
 * classes. Returns 0 or -ENOMEM. */
int
vmp_name_types(struct vmp_making *m);

/* What the profile holds, of drafts whose types are named. */
int
vmp_fill_profile(struct vmp_making *m);

#endif
