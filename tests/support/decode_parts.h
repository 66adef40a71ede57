/* SPDX-License-Identifier: MIT */

/* What the files of the decoder share. */
#ifndef DECODE_PARTS_H
#define DECODE_PARTS_H

#include <stdbool.h>

#include "decode.h"

/* What is left of a payload; `bad` once something was wrong with it. */
struct decode_cursor {
    struct decoded *decoded;
    const unsigned char *at, *end;
    bool bad;
};

/* The first error is kept. */
void
decode_fail(struct decoded *d, const char *what);
void
decode_need(struct decode_cursor *c, bool holds, const char *what);
uint64_t
decode_varint(struct decode_cursor *c);
int64_t
decode_zigzag(struct decode_cursor *c);
char *
decode_string(struct decode_cursor *c);
void
decode_fields(struct decode_cursor *c, struct decoded_fields *fields);
void
decode_free_fields(struct decoded_fields *fields);

/* Room for one more in an array that grows by doubling. */
void *
decode_grow(void *array, size_t count, size_t size);

/* The payloads, by type. */
void
decode_codes(struct decode_cursor *c);
void
decode_frames(struct decode_cursor *c);
void
decode_nodes(struct decode_cursor *c);
void
decode_modules(struct decode_cursor *c);
void
decode_thread(struct decode_cursor *c);
void
decode_samples(struct decode_cursor *c);
void
decode_words(struct decode_cursor *c);
void
decode_sites(struct decode_cursor *c);
void
decode_events(struct decode_cursor *c);
void
decode_recorded(struct decode_cursor *c);
void
decode_traces(struct decode_cursor *c);
void
decode_counts(struct decode_cursor *c);
void
decode_event_counts(struct decode_cursor *c);
void
decode_lines(struct decode_cursor *c);
void
decode_calls(struct decode_cursor *c);

void
decoded_free_traces(struct decoded *d);

#endif
