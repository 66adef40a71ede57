/* SPDX-License-Identifier: MIT */

/* CRC-32C (Castagnoli), the checksum of a chunk. */
#ifndef VMP_CRC32C_H
#define VMP_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `size` bytes. By the processor's instruction if it has one. */
uint32_t
vmp_crc32c(const void *data, size_t size);

/* The same by tables, on any processor. */
uint32_t
vmp_crc32c_portable(const void *data, size_t size);

#endif
