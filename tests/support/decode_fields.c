/* SPDX-License-Identifier: MIT */

/* What payloads consist of: numbers, strings, and fields by key. */

#include "decode_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
decode_fail(struct decoded *d, const char *what)
{
    if (!d->error[0])
        snprintf(d->error, sizeof(d->error), "chunk %u: %s", d->chunk_count,
                 what);
}

void
decode_need(struct decode_cursor *c, bool holds, const char *what)
{
    if (holds || c->bad)
        return;
    c->bad = true;
    decode_fail(c->decoded, what);
}

uint64_t
decode_varint(struct decode_cursor *c)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 10 && !c->bad; i++) {
        decode_need(c, c->at < c->end, "a varint is cut off");
        if (c->bad)
            return 0;
        const unsigned char byte = *c->at++;
        decode_need(c, i < 9 || byte <= 1, "a varint is over 64 bits");
        value |= (uint64_t)(byte & 127) << 7 * i;
        if (byte < 128)
            return value;
    }
    return 0;
}

int64_t
decode_zigzag(struct decode_cursor *c)
{
    const uint64_t value = decode_varint(c);

    return value & 1 ? (int64_t) ~(value >> 1) : (int64_t)(value >> 1);
}

char *
decode_string(struct decode_cursor *c)
{
    const uint64_t size = decode_varint(c);
    char *copy;

    decode_need(c, size <= (uint64_t)(c->end - c->at), "a string is cut off");
    if (c->bad)
        return NULL;
    copy = strndup((const char *)c->at, (size_t)size);
    c->at += size;
    return copy;
}

void *
decode_grow(void *array, size_t count, size_t size)
{
    if (count & (count - 1))
        return array;
    array = realloc(array, (count ? 2 * count : 1) * size);
    if (!array)
        abort();
    return array;
}

void
decode_free_fields(struct decoded_fields *fields)
{
    for (size_t i = 0; i < DECODED_KEYS; i++)
        free(fields->string[i]);
    memset(fields, 0, sizeof(*fields));
}

void
decode_fields(struct decode_cursor *c, struct decoded_fields *fields)
{
    decode_free_fields(fields);
    while (!c->bad && c->at < c->end) {
        const uint64_t key = decode_varint(c);

        decode_need(c, key < DECODED_KEYS, "an unknown key");
        if (c->bad)
            return;
        decode_need(c, !fields->string[key] && !fields->number[key],
                    "a key twice");
        if (key & 1)
            fields->string[key] = decode_string(c);
        else
            fields->number[key] = decode_varint(c);
    }
}
