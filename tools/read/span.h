/* SPDX-License-Identifier: MIT */

/*
 * Taking a line of text apart, from its beginning. What does not fit is not
 * taken, and false.
 */
#ifndef READ_SPAN_H
#define READ_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const char *at;
    size_t size;
};

static inline void
span_skip(struct span *text, size_t size)
{
    text->at += size;
    text->size -= size;
}

static inline bool
span_starts(const struct span *text, const char *with)
{
    const size_t size = strlen(with);

    return text->size >= size && memcmp(text->at, with, size) == 0;
}

static inline bool
span_take(struct span *text, const char *with)
{
    if (!span_starts(text, with))
        return false;
    span_skip(text, strlen(with));
    return true;
}

static inline bool
span_is(const struct span *text, const char *other)
{
    return text->size == strlen(other) && span_starts(text, other);
}

/* A number in base 10 or 16, up to 64 bits. */
static inline bool
span_take_number(struct span *text, unsigned base, uint64_t *number)
{
    uint64_t value = 0;
    size_t i;

    for (i = 0; i < text->size; i++) {
        const char c = text->at[i];
        const unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                               : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                               : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                      : 16;

        if (digit >= base)
            break;
        if (value > (UINT64_MAX - digit) / base)
            return false;
        value = value * base + digit;
    }
    if (i == 0)
        return false;
    span_skip(text, i);
    *number = value;
    return true;
}

/* The same with 0x before it. */
static inline bool
span_take_address(struct span *text, uint64_t *address)
{
    struct span rest = *text;

    if (!span_take(&rest, "0x") || !span_take_number(&rest, 16, address))
        return false;
    *text = rest;
    return true;
}

/* Everything up to the first `what`, which is taken as well. */
static inline bool
span_take_until(struct span *text, const char *what, struct span *before)
{
    const char *found =
        text->size ? memmem(text->at, text->size, what, strlen(what)) : NULL;

    if (!found)
        return false;
    *before = (struct span){ text->at, (size_t)(found - text->at) };
    span_skip(text, before->size + strlen(what));
    return true;
}

/* Takes off everything from the last `what` on. */
static inline bool
span_cut_last(struct span *text, char what, struct span *after)
{
    const char *found = text->size ? memrchr(text->at, what, text->size) : NULL;

    if (!found)
        return false;
    *after =
        (struct span){ found + 1, (size_t)(text->at + text->size - found - 1) };
    text->size = (size_t)(found - text->at);
    return true;
}

static inline void
span_trim(struct span *text)
{
    while (text->size && (*text->at == ' ' || *text->at == '\t'))
        span_skip(text, 1);
    while (text->size && (text->at[text->size - 1] == ' ' ||
                          text->at[text->size - 1] == '\t'))
        text->size--;
}

#endif
