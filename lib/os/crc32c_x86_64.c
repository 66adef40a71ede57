/* SPDX-License-Identifier: MIT */

/* CRC-32C by the instruction of SSE 4.2. */

#include "../format/crc32c.h"

#include <nmmintrin.h>
#include <string.h>

__attribute__((target("sse4.2"))) static uint32_t
by_instruction(const unsigned char *p, size_t size)
{
    uint64_t crc = UINT32_MAX, word;

    for (; size >= 8; size -= 8, p += 8) {
        memcpy(&word, p, sizeof(word));
        crc = _mm_crc32_u64(crc, word);
    }
    for (; size; size--)
        crc = _mm_crc32_u8((uint32_t)crc, *p++);
    return ~(uint32_t)crc;
}

uint32_t
vmp_crc32c(const void *data, size_t size)
{
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(data, size);
    return vmp_crc32c_portable(data, size);
}
