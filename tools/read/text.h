/* SPDX-License-Identifier: MIT */

/*
 * Taking a line of text apart, from its beginning. What does not fit is not
 * taken, and false.
 */
#ifndef READ_TEXT_H
#define READ_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
    const char *at;
    size_t size;
};

static inline void
text_skip(struct text *text, size_t size)
{
    text->at += size;
    text->size -= size;
}

static inline bool
text_starts(const struct text *text, const char *with)
{
    const size_t size = strlen(with);

    return text->size >= size && memcmp(text->at, with, size) == 0;
}

static inline bool
text_take(struct text *text, const char *with)
{
    if (!text_starts(text, with))
        return false;
    text_skip(text, strlen(with));
    return true;
}

static inline bool
text_is(const struct text *text, const char *other)
{
    return text->size == strlen(other) && text_starts(text, other);
}

/* A number in base 10 or 16, up to 64 bits. */
static inline bool
text_take_number(struct text *text, unsigned base, uint64_t *number)
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
    text_skip(text, i);
    *number = value;
    return true;
}

/* The same with 0x before it. */
static inline bool
text_take_address(struct text *text, uint64_t *address)
{
    struct text rest = *text;

    if (!text_take(&rest, "0x") || !text_take_number(&rest, 16, address))
        return false;
    *text = rest;
    return true;
}

/* Everything up to the first `what`, which is taken as well. */
static inline bool
text_take_until(struct text *text, const char *what, struct text *before)
{
    const char *found =
        text->size ? memmem(text->at, text->size, what, strlen(what)) : NULL;

    if (!found)
        return false;
    *before = (struct text){ text->at, (size_t)(found - text->at) };
    text_skip(text, before->size + strlen(what));
    return true;
}

/* Takes off everything from the last `what` on. */
static inline bool
text_cut_last(struct text *text, char what, struct text *after)
{
    const char *found = text->size ? memrchr(text->at, what, text->size) : NULL;

    if (!found)
        return false;
    *after =
        (struct text){ found + 1, (size_t)(text->at + text->size - found - 1) };
    text->size = (size_t)(found - text->at);
    return true;
}

static inline void
text_trim(struct text *text)
{
    while (text->size && (*text->at == ' ' || *text->at == '\t'))
        text_skip(text, 1);
    while (text->size && (text->at[text->size - 1] == ' ' ||
                          text->at[text->size - 1] == '\t'))
        text->size--;
}

#endif
