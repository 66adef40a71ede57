/* SPDX-License-Identifier: MIT */

#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
vmp_text_clear(struct vmp_text *text)
{
    text->size = 0;
    text->failed = false;
}

void
vmp_text_add(struct vmp_text *text, const char *bytes, size_t size)
{
    if (text->capacity - text->size < size) {
        const size_t wanted = 2 * (text->size + size);
        char *const grown = realloc(text->bytes, wanted);

        if (!grown) {
            text->failed = true;
            return;
        }
        text->bytes = grown;
        text->capacity = wanted;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

void
vmp_text_comma(struct vmp_text *text)
{
    const char last = text->size ? text->bytes[text->size - 1] : '{';

    if (last != '{' && last != '[')
        vmp_text_add(text, ",", 1);
}

/* The bytes of the character at `at`, or 0: it is no UTF-8. */
static size_t
character_size(const unsigned char *at)
{
    const unsigned char c = at[0];
    const size_t size = c < 0x80                ? 1
                        : c >= 0xc2 && c < 0xe0 ? 2
                        : c >= 0xe0 && c < 0xf0 ? 3
                        : c >= 0xf0 && c < 0xf5 ? 4
                                                : 0;

    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Too long, a half of a pair, or beyond the last one. */
    if ((c == 0xe0 && at[1] < 0xa0) || (c == 0xed && at[1] >= 0xa0) ||
        (c == 0xf0 && at[1] < 0x90) || (c == 0xf4 && at[1] >= 0x90))
        return 0;
    return size;
}

static void
add_escaped(struct vmp_text *text, unsigned char c)
{
    char escape[8];

    if (c == '"' || c == '\\')
        snprintf(escape, sizeof(escape), "\\%c", c);
    else
        snprintf(escape, sizeof(escape), "\\u%04x", c);
    vmp_text_add(text, escape, strlen(escape));
}

void
vmp_text_quoted(struct vmp_text *text, const char *string)
{
    const unsigned char *at = (const unsigned char *)string;

    vmp_text_add(text, "\"", 1);
    while (*at) {
        const size_t size = character_size(at);

        if (!size)
            vmp_text_add(text, "\xef\xbf\xbd", 3);
        else if (*at < 0x20 || *at == '"' || *at == '\\' || *at == 0x7f)
            add_escaped(text, *at);
        else
            vmp_text_add(text, (const char *)at, size);
        at += size ? size : 1;
    }
    vmp_text_add(text, "\"", 1);
}
