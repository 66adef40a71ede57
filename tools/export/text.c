/* SPDX-License-Identifier: MIT */

#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../text/utf8.h"

enum {
    REPLACEMENT = 0xfffd,
    MAX_BYTES = 4, /* of a character */
};

/* Takes one character from `*name`. What is not valid, ends a line, steers a
 * terminal or reorders the text around it comes as U+FFFD. */
static uint32_t
next_fit(const char **name)
{
    uint32_t point;
    const unsigned length =
        vmp_decode_utf8(*name, strnlen(*name, MAX_BYTES), &point);

    *name += length ? length : 1;
    return length && !is_unseen(point) ? point : REPLACEMENT;
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

static void
write_byte_quoted(FILE *out, unsigned char byte)
{
    if (byte == '\n')
        fputs("\\n", out);
    else if (byte == '\t')
        fputs("\\t", out);
    else
        fprintf(out, "\\x%02x", byte);
}

void
text_write_quoted(FILE *out, const char *name)
{
    putc('"', out);
    while (name && *name) {
        const char *const start = name;
        const uint32_t point = next_fit(&name);
        const size_t size = (size_t)(name - start);
        const bool is_fit = point != REPLACEMENT ||
                            (size == 3 && !memcmp(start, "\xef\xbf\xbd", 3));

        if (point == '"' || point == '\\')
            putc('\\', out);
        if (is_fit)
            fwrite(start, 1, size, out);
        for (const char *c = start; !is_fit && c < name; c++)
            write_byte_quoted(out, (unsigned char)*c);
    }
    putc('"', out);
}
