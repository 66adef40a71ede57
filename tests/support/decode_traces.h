/* SPDX-License-Identifier: MIT */

/* What the files of the decoder share. */
#ifndef DECODE_TRACES_H
#define DECODE_TRACES_H

#include <stdbool.h>

#include "decode.h"

/* What is left of a payload; `bad` once something was wrong with it. */
struct decode_cursor {
    struct decoded *decoded;
    const unsigned char *at, *end;
    bool bad;
};

void
decode_need(struct decode_cursor *c, bool holds, const char *what);
uint64_t
decode_varint(struct decode_cursor *c);
char *
decode_string(struct decode_cursor *c);
void
decode_fields(struct decode_cursor *c, struct decoded_fields *fields);
void
decode_free_fields(struct decoded_fields *fields);

/* Room for one more in an array that grows by doubling. */
void *
decode_grow(void *array, size_t count, size_t size);

void
decode_traces(struct decode_cursor *c);
void
decode_counts(struct decode_cursor *c);
void
decoded_free_traces(struct decoded *d);

#endif
