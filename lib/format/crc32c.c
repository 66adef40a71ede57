/* SPDX-License-Identifier: MIT */

/* CRC-32C by tables, eight bytes at a time. */

#include "crc32c.h"

#include <pthread.h>
#include <string.h>

#include "varint.h"

static const uint32_t POLYNOMIAL = 0x82f63b78;

static uint32_t table[8][256];

static void
fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        table[0][i] = crc;
    }
    for (uint32_t i = 0; i < 256; i++)
        for (unsigned k = 1; k < 8; k++)
            table[k][i] =
                table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

uint32_t
vmp_crc32c_portable(const void *data, size_t size)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const unsigned char *p = data;
    uint32_t crc = UINT32_MAX;

    pthread_once(&once, fill_table);
    for (; size >= 8; size -= 8, p += 8) {
        const uint32_t low = crc ^ vmp_get_u32(p), high = vmp_get_u32(p + 4);
        crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^
              table[5][low >> 16 & 255] ^ table[4][low >> 24] ^
              table[3][high & 255] ^ table[2][high >> 8 & 255] ^
              table[1][high >> 16 & 255] ^ table[0][high >> 24];
    }
    for (; size; size--)
        crc = crc >> 8 ^ table[0][(crc ^ *p++) & 255];
    return ~crc;
}
