/* SPDX-License-Identifier: MIT */

#include "cursor.h"

#include <string.h>

enum {
    ENCODED_INDIRECT = 0x80,
    ENCODED_RELATIVE = 0x70,
    ENCODED_TO_ITSELF = 0x10,
};

void
vmp_take(struct vmp_cursor *c, void *to, size_t size)
{
    memset(to, 0, size);
    if (c->bad || c->end - c->at < size ||
        !vmp_read(c->reader, c->at, to, size)) {
        c->bad = true;
        return;
    }
    c->at += size;
}

uint8_t
vmp_take_byte(struct vmp_cursor *c)
{
    uint8_t value;

    vmp_take(c, &value, sizeof(value));
    return value;
}

uint64_t
vmp_take_fixed(struct vmp_cursor *c, size_t size)
{
    uint64_t value = 0;

    vmp_take(c, &value, size); /* both machines are little-endian */
    return value;
}

uint64_t
vmp_take_uleb(struct vmp_cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = vmp_take_byte(c);

        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    c->bad = true;
    return 0;
}

int64_t
vmp_take_sleb(struct vmp_cursor *c)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = vmp_take_byte(c);

        value |= (uint64_t)(byte & 127) << shift;
        if (byte >= 128)
            continue;
        if (byte & 64 && shift + 7 < 64)
            value |= ~(uint64_t)0 << (shift + 7);
        return (int64_t)value;
    }
    c->bad = true;
    return 0;
}

void
vmp_take_past(struct vmp_cursor *c, uint64_t size)
{
    if (c->end - c->at < size)
        c->bad = true;
    else
        c->at += size;
}

uint64_t
vmp_take_encoded(struct vmp_cursor *c, uint8_t encoding)
{
    const uint64_t here = c->at;
    uint64_t value = 0;

    switch (encoding & 15) {
    case 0x0:
    case 0x4:
    case 0xc:
        value = vmp_take_fixed(c, 8);
        break;
    case 0x1:
        value = vmp_take_uleb(c);
        break;
    case 0x2:
        value = vmp_take_fixed(c, 2);
        break;
    case 0x3:
        value = vmp_take_fixed(c, 4);
        break;
    case 0x9:
        value = (uint64_t)vmp_take_sleb(c);
        break;
    case 0xa:
        value = (uint64_t)(int16_t)vmp_take_fixed(c, 2);
        break;
    case 0xb:
        value = (uint64_t)(int32_t)vmp_take_fixed(c, 4);
        break;
    default:
        c->bad = true;
    }
    if ((encoding & ENCODED_RELATIVE) == ENCODED_TO_ITSELF)
        return value + here;
    if (encoding & (ENCODED_RELATIVE | ENCODED_INDIRECT))
        c->bad = true;
    return value;
}
