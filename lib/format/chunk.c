/* SPDX-License-Identifier: MIT */

#include "chunk.h"

#include <string.h>

#include "crc32c.h"
#include "varint.h"

static unsigned char *
payload_end(struct vmp_chunk *chunk)
{
    return chunk->bytes + VMP_CHUNK_HEADER_SIZE + chunk->used;
}

void
vmp_chunk_varint(struct vmp_chunk *chunk, uint64_t value)
{
    unsigned char *const at = payload_end(chunk);

    chunk->used += (size_t)(vmp_put_varint(at, value) - at);
}

void
vmp_chunk_bytes(struct vmp_chunk *chunk, const void *data, size_t size)
{
    memcpy(payload_end(chunk), data, size);
    chunk->used += size;
}

void
vmp_chunk_string(struct vmp_chunk *chunk, const char *text, size_t size)
{
    vmp_chunk_varint(chunk, size);
    vmp_chunk_bytes(chunk, text, size);
}

void
vmp_chunk_number_field(struct vmp_chunk *chunk, unsigned key, uint64_t value)
{
    if (!value || vmp_chunk_room(chunk) < 2 * VMP_VARINT_MAX)
        return;
    vmp_chunk_varint(chunk, key);
    vmp_chunk_varint(chunk, value);
}

void
vmp_chunk_string_field(struct vmp_chunk *chunk, unsigned key, const char *text)
{
    const size_t size = text ? strlen(text) : 0;

    if (!size || vmp_chunk_room(chunk) < 2 * VMP_VARINT_MAX + size)
        return;
    vmp_chunk_varint(chunk, key);
    vmp_chunk_string(chunk, text, size);
}

size_t
vmp_chunk_finish(struct vmp_chunk *chunk, uint32_t session, uint32_t number,
                 enum vmp_chunk_type type)
{
    unsigned char *const header = chunk->bytes;
    const size_t size = VMP_CHUNK_HEADER_SIZE + chunk->used;

    vmp_put_u32(header, VMP_CHUNK_MAGIC);
    vmp_put_u32(header + 8, session);
    vmp_put_u32(header + 12, number);
    vmp_put_u16(header + 16, type);
    vmp_put_u16(header + 18, 0);
    vmp_put_u32(header + 20, (uint32_t)chunk->used);
    vmp_put_u32(header + 4, vmp_crc32c(header + VMP_CHUNK_CHECKED_FROM,
                                       size - VMP_CHUNK_CHECKED_FROM));
    return size;
}
