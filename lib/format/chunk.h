/* SPDX-License-Identifier: MIT */

/* One chunk of the native format while it is being filled. */
#ifndef VMP_CHUNK_H
#define VMP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "format.h"

struct vmp_chunk {
    size_t used; /* of payload */
    unsigned char bytes[VMP_CHUNK_HEADER_SIZE + VMP_CHUNK_MAX_PAYLOAD];
};

static inline size_t
vmp_chunk_room(const struct vmp_chunk *chunk)
{
    return VMP_CHUNK_MAX_PAYLOAD - chunk->used;
}

/* Append to the payload. The caller has made sure that there is room. */
void
vmp_chunk_varint(struct vmp_chunk *chunk, uint64_t value);
void
vmp_chunk_bytes(struct vmp_chunk *chunk, const void *data, size_t size);
void
vmp_chunk_string(struct vmp_chunk *chunk, const char *text, size_t size);

/* Append a field; one that is 0 or empty or does not fit is left out. */
void
vmp_chunk_number_field(struct vmp_chunk *chunk, unsigned key, uint64_t value);
void
vmp_chunk_string_field(struct vmp_chunk *chunk, unsigned key, const char *text);

/* Fill in the header. Returns the size of the whole chunk. */
size_t
vmp_chunk_finish(struct vmp_chunk *chunk, uint32_t session, uint32_t number,
                 enum vmp_chunk_type type);

#endif
