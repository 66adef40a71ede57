/* SPDX-License-Identifier: MIT */

#include "utf8.h"

#include <stdint.h>

/* The bytes of the character that `lead` begins; 0: none begins so. The least
 * and the most that its second byte may be leave out what is too long, beyond
 * U+10FFFF, or half of a pair of UTF-16. */
static size_t
length_of(unsigned char lead, unsigned char *least, unsigned char *most)
{
    *least = 0x80;
    *most = 0xbf;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    if (lead == 0xe0)
        *least = 0xa0;
    else if (lead == 0xed)
        *most = 0x9f;
    else if (lead == 0xf0)
        *least = 0x90;
    else if (lead == 0xf4)
        *most = 0x8f;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* The bytes of the character at `text`; 0: there is none. */
static size_t
character_size(const char *text, size_t size)
{
    const unsigned char *const bytes = (const unsigned char *)text;
    unsigned char least, most;
    const size_t length = length_of(bytes[0], &least, &most);

    if (length > size)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] < least || bytes[i] > most)
            return 0;
        least = 0x80;
        most = 0xbf;
    }
    return length;
}

void
vmp_utf8_repair(char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        const size_t length = character_size(text + i, size - i);

        if (!length)
            text[i] = '?';
        i += length ? length : 1;
    }
}

size_t
vmp_utf8_cut(const char *text, size_t size, size_t most)
{
    if (size <= most)
        return size;
    while (most && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}
