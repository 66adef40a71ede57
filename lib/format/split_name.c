/* SPDX-License-Identifier: MIT */

/* How doc/format.md writes names, read backwards. */
#include "split_name.h"

#include <stdbool.h>
#include <string.h>

static bool
is_escape(const char *at, size_t left, char *out)
{
    if (left < 3 || at[0] != '%')
        return false;
    *out = at[1] == '3' ? ':' : '%';
    return (at[1] == '3' && (at[2] == 'A' || at[2] == 'a')) ||
           (at[1] == '2' && at[2] == '5');
}

static struct vmp_name_part
unescape(char *text, size_t size)
{
    char *to = text;

    for (size_t i = 0; i < size;) {
        char c;
        if (is_escape(text + i, size - i, &c)) {
            i += 3;
        } else {
            c = text[i++];
        }
        *to++ = c;
    }
    return (struct vmp_name_part){ text, (size_t)(to - text) };
}

static uint32_t
parse_line(const char *text, size_t size)
{
    uint64_t line = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return 0;
        line = line * 10 + (uint64_t)(text[i] - '0');
        if (line > UINT32_MAX)
            return 0;
    }
    return (uint32_t)line;
}

/* Cuts the text up to the next colon off. Returns its length, or -1. */
static ptrdiff_t
next_colon(const char *from, const char *end)
{
    const char *colon = memchr(from, ':', (size_t)(end - from));

    return colon ? colon - from : -1;
}

void
vmp_split_name(struct vmp_name_parts *parts, char *name, size_t size)
{
    char *end = name + size, *start[4] = { name };
    ptrdiff_t length[4];

    memset(parts, 0, sizeof(*parts));
    parts->language.text = parts->file.text = name;
    for (unsigned i = 0; i < 3; i++) {
        length[i] = next_colon(start[i], end);
        if (length[i] < 0) {
            parts->function = unescape(name, size);
            return;
        }
        start[i + 1] = start[i] + length[i] + 1;
    }
    length[3] = end - start[3];
    parts->line = parse_line(start[2], (size_t)length[2]);
    parts->language = unescape(start[0], (size_t)length[0]);
    parts->function = unescape(start[1], (size_t)length[1]);
    parts->file = unescape(start[3], (size_t)length[3]);
}
