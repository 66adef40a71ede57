/* SPDX-License-Identifier: MIT */

/*
 * Where readers of all formats put what they find: the tables of a profile,
 * each thing once. Indexes are uint32_t and go up by one; a function that adds
 * returns the index or a negative errno.
 */
#ifndef READ_STORE_H
#define READ_STORE_H

#include "profile.h"

enum {
    CODE_UNKNOWN = 0,
    CODE_CUT = 1,
    FRAME_CUT = 0,
    NODE_ROOT = 0,
    MODULE_NONE = 0,
};

/* Give a zeroed profile its private part and the fixed first entries. */
int
store_open(struct profile *profile);

/* A lasting copy, each text once; NUL bytes become '?'. NULL: no memory. */
const char *
store_text(struct profile *profile, const void *bytes, size_t size);

int
store_session(struct profile *profile);
int
store_thread(struct profile *profile, uint32_t session);

/* A full name, "class:function:line:file"; equal names are one code. */
int64_t
store_code(struct profile *profile, uint64_t id, const void *name, size_t size);

/* A function of machine code, by its parts; equal ones are one code. */
int64_t
store_native_code(struct profile *profile, const struct code *code);

/*
 * A code whose name is not known yet. To be named once: the result is the index
 * that stands for it then, another one if there is a code of that name.
 */
int64_t
store_unnamed_code(struct profile *profile, uint64_t id);
int64_t
store_name_code(struct profile *profile, uint32_t index, const void *name,
                size_t size);
int64_t
store_name_native_code(struct profile *profile, uint32_t index,
                       const struct code *code);

int64_t
store_module(struct profile *profile, const struct module *module);
int64_t
store_frame(struct profile *profile, const struct frame *frame);
int64_t
store_node(struct profile *profile, uint32_t parent, uint32_t frame);

/* Make room for one more member. Returns 0 or -ENOMEM. */
int
grow_array(void **array, uint32_t *capacity, uint32_t count,
           size_t member_size);

void
store_close(struct profile *profile);

#endif
