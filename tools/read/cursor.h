/* SPDX-License-Identifier: MIT */

/*
 * Reading a payload piece by piece. What is not there reads as 0 and makes the
 * cursor bad, so that a caller may look once, at the end.
 */
#ifndef READ_CURSOR_H
#define READ_CURSOR_H

#include "format/varint.h"

struct cursor {
    const unsigned char *at, *end;
    bool bad;
};

struct bytes {
    const unsigned char *data;
    size_t size;
};

static inline bool
cursor_has_more(const struct cursor *cursor)
{
    return cursor->at < cursor->end && !cursor->bad;
}

static inline uint64_t
cursor_varint(struct cursor *cursor)
{
    uint64_t value = 0;

    if (cursor->bad || !vmp_get_varint(&cursor->at, cursor->end, &value))
        cursor->bad = true;
    return value;
}

/* A line or another number that means 0 when it is out of range. */
static inline uint32_t
cursor_varint32(struct cursor *cursor)
{
    const uint64_t value = cursor_varint(cursor);

    return value > UINT32_MAX ? 0 : (uint32_t)value;
}

static inline struct bytes
cursor_string(struct cursor *cursor)
{
    const uint64_t size = cursor_varint(cursor);
    struct bytes bytes = { cursor->at, 0 };

    if (cursor->bad || size > (uint64_t)(cursor->end - cursor->at)) {
        cursor->bad = true;
        return bytes;
    }
    bytes.size = (size_t)size;
    cursor->at += size;
    return bytes;
}

/* One of a row of keys and values: odd keys have text, even ones a number. */
struct field {
    uint64_t key;
    uint64_t number;
    struct bytes text;
};

/* False at the end, and when the cursor went bad. */
static inline bool
cursor_field(struct cursor *cursor, struct field *field)
{
    if (!cursor_has_more(cursor))
        return false;
    field->key = cursor_varint(cursor);
    field->number = 0;
    field->text = (struct bytes){ cursor->at, 0 };
    if (field->key & 1)
        field->text = cursor_string(cursor);
    else
        field->number = cursor_varint(cursor);
    return !cursor->bad;
}

#endif
