/* SPDX-License-Identifier: MIT */

/* The sets that keep the members of a profile's tables distinct. */
#ifndef READ_STORE_PRIVATE_H
#define READ_STORE_PRIVATE_H

/* A table that cannot grow is an error for the reader, not an exit. */
#define HASH_NONFATAL_OOM 1
/* The usual function falls through in a switch, which clang warns of. */
#define HASH_FUNCTION HASH_FNV
#include <uthash.h>

#include "intern.h"
#include "store.h"

struct text {
    UT_hash_handle hh;
    int64_t code; /* of that full name; -1: none */
    char bytes[];
};

struct profile_private {
    struct text *texts;
    struct text *names;        /* full names as the file has them */
    struct text *natives;      /* parts of the names of native functions */
    struct vmp_intern places;  /* code, line */
    struct vmp_intern origins; /* (module, inlined into), file */
    struct vmp_intern points;  /* place, origin */
    struct vmp_intern frames;  /* (point, kind), offset */
    struct vmp_intern nodes;   /* parent, frame */
    uint32_t session_capacity, thread_capacity, code_capacity;
    uint32_t module_capacity, frame_capacity, node_capacity;
};

/* Finds or adds `size` bytes in one of the sets. NULL: no memory. */
struct text *
intern_text(struct text **set, const void *bytes, size_t size);

/* A code whose texts last. */
int64_t
store_add_code(struct profile *profile, const struct code *code);

#endif
