/* SPDX-License-Identifier: MIT */

#include "utf8.h"

/* How many bytes a character has by its first, or 0. */
static unsigned
sequence_size(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

unsigned
vmp_decode_utf8(const char *text, size_t size, uint32_t *out)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    const unsigned char *bytes = (const unsigned char *)text;
    const unsigned length = size ? sequence_size(bytes[0]) : 0;
    uint32_t value;

    if (!length || length > size)
        return 0;
    value = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (unsigned i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff ||
        (value >= 0xd800 && value < 0xe000))
        return 0;
    *out = value;
    return length;
}

void
vmp_repair_utf8(char *text, size_t size)
{
    uint32_t character;

    for (size_t i = 0; i < size;) {
        const unsigned length = vmp_decode_utf8(text + i, size - i, &character);

        if (!length)
            text[i] = '?';
        i += length ? length : 1;
    }
}

size_t
vmp_cut_utf8(const char *text, size_t size, size_t most)
{
    if (size <= most)
        return size;
    while (most && ((unsigned char)text[most] & 0xc0) == 0x80)
        most--;
    return most;
}
