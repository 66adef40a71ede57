/* SPDX-License-Identifier: MIT */

#include "bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 256,
};

static bool
make_room(struct vmp_bytes *bytes, size_t size)
{
    size_t room = bytes->room ? bytes->room : FIRST_ROOM;
    unsigned char *grown;

    if (bytes->is_short || bytes->room - bytes->size >= size)
        return !bytes->is_short;
    while (room - bytes->size < size)
        room *= 2;
    grown = realloc(bytes->data, room);
    if (!grown) {
        bytes->is_short = true;
        return false;
    }
    bytes->data = grown;
    bytes->room = room;
    return true;
}

void
vmp_bytes_put(struct vmp_bytes *bytes, const void *data, size_t size)
{
    if (!size || !make_room(bytes, size))
        return;
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void
put_number(struct vmp_bytes *bytes, uint64_t value, unsigned size)
{
    unsigned char number[8];

    for (unsigned i = 0; i < size; i++)
        number[i] = (unsigned char)(value >> 8 * i);
    vmp_bytes_put(bytes, number, size);
}

void
vmp_bytes_u8(struct vmp_bytes *bytes, unsigned value)
{
    put_number(bytes, value, 1);
}

void
vmp_bytes_u16(struct vmp_bytes *bytes, unsigned value)
{
    put_number(bytes, value, 2);
}

void
vmp_bytes_u32(struct vmp_bytes *bytes, uint32_t value)
{
    put_number(bytes, value, 4);
}

void
vmp_bytes_u64(struct vmp_bytes *bytes, uint64_t value)
{
    put_number(bytes, value, 8);
}

void
vmp_bytes_string(struct vmp_bytes *bytes, const char *text)
{
    vmp_bytes_put(bytes, text, strlen(text) + 1);
}

void
vmp_bytes_uleb(struct vmp_bytes *bytes, uint64_t value)
{
    while (value >= 0x80) {
        vmp_bytes_u8(bytes, (value & 0x7f) | 0x80);
        value >>= 7;
    }
    vmp_bytes_u8(bytes, (unsigned)value);
}

void
vmp_bytes_sleb(struct vmp_bytes *bytes, int64_t value)
{
    while (value < -64 || value >= 64) {
        vmp_bytes_u8(bytes, ((unsigned)value & 0x7f) | 0x80);
        value >>= 7;
    }
    vmp_bytes_u8(bytes, (unsigned)value & 0x7f);
}

void
vmp_bytes_align(struct vmp_bytes *bytes, size_t to)
{
    while (!bytes->is_short && bytes->size % to)
        vmp_bytes_u8(bytes, 0);
}

void
vmp_bytes_set_u32(struct vmp_bytes *bytes, size_t at, uint32_t value)
{
    for (unsigned i = 0; i < 4 && !bytes->is_short; i++)
        bytes->data[at + i] = (unsigned char)(value >> 8 * i);
}

void
vmp_bytes_free(struct vmp_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct vmp_bytes){ 0 };
}
