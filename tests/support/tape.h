/* SPDX-License-Identifier: MIT */

/* What an encoder emitted, kept in memory, and read back from there. */
#ifndef TAPE_H
#define TAPE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "format/encoder.h"

struct tape {
    unsigned char *bytes;
    size_t size, chunks, biggest, longest_name;
    size_t fails_from; /* so many chunks on; 0: never */
    const char *name;  /* of every code; NULL: "t:fID:1:" */
};

static inline int
record(void *user, const void *data, size_t size)
{
    struct tape *const tape = user;

    tape->chunks++;
    if (tape->fails_from && tape->chunks > tape->fails_from)
        return -ENOSPC;
    tape->bytes = realloc(tape->bytes, tape->size + size);
    memcpy(tape->bytes + tape->size, data, size);
    tape->size += size;
    if (size > tape->biggest)
        tape->biggest = size;
    return 0;
}

static inline size_t
name_of(void *user, uint64_t code, char *buffer)
{
    const struct tape *const tape = user;
    const int size =
        snprintf(buffer, 1024, "t:f%llu:1:", (unsigned long long)code);
    size_t used = (size_t)size;

    if (tape->name)
        return strlen(strcpy(buffer, tape->name));
    while (used < tape->longest_name)
        buffer[used++] = 'x';
    return used;
}

static inline void
read_back(struct tape *tape, struct decoded *decoded)
{
    if (decode(decoded, tape->bytes, tape->size) < 0)
        fail_msg("%s", decoded->error);
    assert_int_equal(decoded->whole, tape->size);
    assert_in_range(tape->biggest, 1, 65536);
}

static inline void
finish(struct vmp_encoder *encoder, struct tape *tape, struct decoded *decoded)
{
    vmp_encoder_free(encoder);
    free(tape->bytes);
    decoded_free(decoded);
}

#endif
