/* SPDX-License-Identifier: MIT */

/* CRC-32C where no instruction for it is known. */

#include "../format/crc32c.h"

uint32_t
vmp_crc32c(const void *data, size_t size)
{
    return vmp_crc32c_portable(data, size);
}
