/* SPDX-License-Identifier: MIT */

/* What the registry of codes holds; for its own files alone. */
#ifndef VMP_CODE_TABLE_H
#define VMP_CODE_TABLE_H

#include <stdbool.h>

/* A table that cannot grow is an error for the caller, not an exit. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include <vmprof/code.h>

struct vmprof_code_class {
    char *name;
    struct vmprof_code_class_options options;
    const struct vmp_interp_class *interp; /* NULL: not told */
    struct vmprof_code_class *next;
};

/* What a VM's object is found by. */
struct object_key {
    const struct vmprof_code_class *code_class;
    const void *object;
};

struct code {
    uint64_t id;
    struct object_key key; /* object NULL: found by id alone */
    char *name;            /* NULL: not asked for yet */
    bool asking;           /* its name function runs */
    uint64_t forgotten;    /* the mark at which it was, or 0: it lives */
    struct code *next_forgotten;
    UT_hash_handle by_id, by_key;
};

/* Under vmp_codes_lock(). */
struct vmp_code_table {
    struct vmprof_code_class *classes;
    struct code *by_id, *by_key;
    struct code *nameless_from; /* codes before it have names */
    struct code *forgotten;
    uint64_t last_id, mark;
    unsigned naming; /* sessions that want names */
    bool keeping;
};

extern struct vmp_code_table vmp_code_table;

/* NULL: there is none. */
struct code *
vmp_code_find(uint64_t id);

/* Ask for the names of codes that have none yet, unless another does. */
void
vmp_codes_name_rest(void);

/* In the child of a fork, where the callbacks' lock is the parent's. */
void
vmp_callbacks_leave_to_parent(void);

#endif
