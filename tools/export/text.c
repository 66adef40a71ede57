/* SPDX-License-Identifier: MIT */

#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPLACEMENT = 0xfffd,
    MAX_BYTES = 4, /* of a character */
};

/* The length that a first byte announces; 0: it begins no character. */
static size_t
announced_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

static bool
is_character(uint32_t point, size_t length)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    return point >= least[length] && point <= 0x10ffff &&
           (point < 0xd800 || point > 0xdfff);
}

/* Takes one character from `*name`, or one bad byte as U+FFFD. */
static uint32_t
next_character(const char **name)
{
    const unsigned char *bytes = (const unsigned char *)*name;
    size_t length = announced_length(bytes[0]);
    uint32_t point = length > 1 ? bytes[0] & (0x7fu >> length) : bytes[0];

    /* The NUL at the end is no continuation byte, so it stops this. */
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            length = 0;
        else
            point = point << 6 | (bytes[i] & 0x3f);
    }
    if (!length || !is_character(point, length)) {
        *name += 1;
        return REPLACEMENT;
    }
    *name += length;
    return point;
}

/* Characters that end a line, steer a terminal, or reorder the text around. */
static bool
is_unfit(uint32_t point)
{
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x061c ||
           (point >= 0x200e && point <= 0x200f) ||
           (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

static uint32_t
next_fit(const char **name)
{
    uint32_t point = next_character(name);

    return is_unfit(point) ? REPLACEMENT : point;
}

static size_t
encode(uint32_t point, char bytes[MAX_BYTES])
{
    static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    size_t length = point < 0x80    ? 1
                    : point < 0x800 ? 2
                                    : 3 + (point >= 0x10000);

    for (size_t i = length; i-- > 1; point >>= 6)
        bytes[i] = (char)(0x80 | (point & 0x3f));
    bytes[0] = (char)(marks[length] | point);
    return length;
}

const char *
text_clean(struct text *text, const char *name)
{
    /* A bad byte becomes the three of U+FFFD. */
    size_t room = 3 * strlen(name ? name : "") + 1;
    size_t size = 0;

    if (room > text->room) {
        char *data = realloc(text->data, room);

        if (!data)
            return NULL;
        text->data = data;
        text->room = room;
    }
    while (name && *name)
        size += encode(next_fit(&name), text->data + size);
    text->data[size] = '\0';
    return text->data;
}

void
text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){ 0 };
}

void
text_write_json(FILE *out, const char *name)
{
    char bytes[MAX_BYTES];

    putc('"', out);
    while (name && *name) {
        uint32_t point = next_fit(&name);

        /* An HTML parser ends a script at "</", JSON or not. */
        if (point == '<' || point == '>' || point == '&')
            fprintf(out, "\\u%04x", (unsigned)point);
        else if (point == '"' || point == '\\')
            fprintf(out, "\\%c", (int)point);
        else
            fwrite(bytes, 1, encode(point, bytes), out);
    }
    putc('"', out);
}
