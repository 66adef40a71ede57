/* SPDX-License-Identifier: MIT */

/* Bytes that grow, for records and objects of other tools' formats. */
#ifndef VMP_SINK_BYTES_H
#define VMP_SINK_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is empty. Once memory has been short it takes no more. */
struct vmp_bytes {
    unsigned char *data;
    size_t size, room;
    bool is_short;
};

void
vmp_bytes_put(struct vmp_bytes *bytes, const void *data, size_t size);
void
vmp_bytes_u8(struct vmp_bytes *bytes, unsigned value);
void
vmp_bytes_u16(struct vmp_bytes *bytes, unsigned value);
void
vmp_bytes_u32(struct vmp_bytes *bytes, uint32_t value);
void
vmp_bytes_u64(struct vmp_bytes *bytes, uint64_t value);

/* With its NUL. */
void
vmp_bytes_string(struct vmp_bytes *bytes, const char *text);

/* In DWARF's base 128. */
void
vmp_bytes_uleb(struct vmp_bytes *bytes, uint64_t value);
void
vmp_bytes_sleb(struct vmp_bytes *bytes, int64_t value);

void
vmp_bytes_align(struct vmp_bytes *bytes, size_t to);

/* Overwrite what was put at `at`. */
void
vmp_bytes_set_u32(struct vmp_bytes *bytes, size_t at, uint32_t value);

void
vmp_bytes_free(struct vmp_bytes *bytes);

#endif
