/* SPDX-License-Identifier: MIT */

/* Integers in base 128, as doc/format.md has them. */
#ifndef VMP_VARINT_H
#define VMP_VARINT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "format.h"

/* Writes at most VMP_VARINT_MAX bytes. Returns the end. */
static inline unsigned char *
vmp_put_varint(unsigned char *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *to++ = (unsigned char)value;
    return to;
}

static inline uint64_t
vmp_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t
vmp_unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/*
 * Reads a varint between *at and `end`, and moves *at behind it. Returns
 * false, and leaves both alone, if there is no whole and valid one.
 */
static inline bool
vmp_get_varint(const unsigned char **at, const unsigned char *end,
               uint64_t *out)
{
    const unsigned char *p = *at;
    uint64_t value = 0;

    for (unsigned shift = 0; p < end && shift < 64; shift += 7) {
        const uint64_t byte = *p++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = p;
            *out = value;
            return true;
        }
    }
    return false;
}

static inline void
vmp_put_u32(unsigned char *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> 8 * i);
}

static inline void
vmp_put_u16(unsigned char *to, uint32_t value)
{
    to[0] = (unsigned char)value;
    to[1] = (unsigned char)(value >> 8);
}

static inline uint32_t
vmp_get_u32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 |
           (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static inline uint32_t
vmp_get_u16(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8;
}

#endif
