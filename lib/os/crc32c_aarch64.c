/* SPDX-License-Identifier: MIT */

/* CRC-32C by the instruction of ARMv8.1, if the kernel says it is there. */

#include "../format/crc32c.h"

#include <arm_acle.h>
#include <string.h>
#include <sys/auxv.h>

enum {
    HAS_CRC32 = 1 << 7, /* HWCAP_CRC32 */
};

__attribute__((target("+crc"))) static uint32_t
by_instruction(const unsigned char *p, size_t size)
{
    uint32_t crc = UINT32_MAX;
    uint64_t word;

    for (; size >= 8; size -= 8, p += 8) {
        memcpy(&word, p, sizeof(word));
        crc = __crc32cd(crc, word);
    }
    for (; size; size--)
        crc = __crc32cb(crc, *p++);
    return ~crc;
}

uint32_t
vmp_crc32c(const void *data, size_t size)
{
    if (getauxval(AT_HWCAP) & HAS_CRC32)
        return by_instruction(data, size);
    return vmp_crc32c_portable(data, size);
}
