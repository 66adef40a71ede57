/* SPDX-License-Identifier: MIT */

/* An entry of TRACES while it is read. Internal to its two files. */
#ifndef READ_NATIVE_ENTRY_H
#define READ_NATIVE_ENTRY_H

#include "native.h"

struct entry_reader {
    struct native *native;
    uint32_t session, trace;
    struct cursor cursor;
};

/* What is known of the trace; any call may move it. */
static inline struct native_trace *
entry_trace(const struct entry_reader *reader)
{
    return &reader->native->jit.traces[reader->trace];
}

/* What a number or a text of the entry names. Return 0 or -ENOMEM. */
int
entry_set_trace(struct entry_reader *reader, uint32_t *to, uint64_t id);
int
entry_set_code(struct entry_reader *reader, uint32_t *to, uint64_t id);
int
entry_set_text(struct entry_reader *reader, const char **to, struct bytes text);

/* The lists of a trace. Return 0, -ENOMEM or -EBADMSG. */
int
entry_guards(struct entry_reader *reader);
int
entry_places(struct entry_reader *reader);
int
entry_positions(struct entry_reader *reader);
int
entry_operations(struct entry_reader *reader);
int
entry_code(struct entry_reader *reader);

#endif
