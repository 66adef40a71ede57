/* SPDX-License-Identifier: MIT */

#include "scan.h"

#include <unistd.h>

#include "cursor.h"
#include "format/format.h"

struct scan_chunk {
    size_t size;
    unsigned char bytes[VMP_CHUNK_HEADER_SIZE + VMP_CHUNK_MAX_PAYLOAD];
};

static void
scan_recorded(struct scan *scan, struct cursor payload)
{
    if (cursor_varint(&payload) != VMP_RECORDED_EVENTS)
        return;
    cursor_varint(&payload); /* the thread */
    cursor_varint(&payload); /* the first */
    scan->events += cursor_varint(&payload);
}

static void
scan_payload(struct scan *scan, uint64_t type, struct cursor payload)
{
    if (type == VMP_CHUNK_SESSION) {
        scan->sessions++;
    } else if (type == VMP_CHUNK_END) {
        scan->ends++;
    } else if (type == VMP_CHUNK_MODULES) {
        scan->modules++;
    } else if (type == VMP_CHUNK_RECORDED) {
        scan_recorded(scan, payload);
    } else if (type == VMP_CHUNK_SAMPLES) {
        cursor_varint(&payload); /* the thread */
        scan->samples += cursor_varint(&payload);
    }
}

static void
scan_group(struct scan *scan, struct cursor group)
{
    while (cursor_has_more(&group)) {
        const uint64_t type = cursor_varint(&group);
        const struct bytes section = cursor_string(&group);

        if (!group.bad)
            scan_payload(scan, type,
                         (struct cursor){ section.data,
                                          section.data + section.size, false });
    }
}

/* Returns false if there is no whole chunk yet. */
static bool
next_chunk(struct scan *scan, int fd, struct scan_chunk *chunk)
{
    const ssize_t got =
        pread(fd, chunk->bytes, sizeof(chunk->bytes), (off_t)scan->offset);
    size_t payload;

    if (got < VMP_CHUNK_HEADER_SIZE ||
        vmp_get_u32(chunk->bytes) != VMP_CHUNK_MAGIC)
        return false;
    payload = vmp_get_u32(chunk->bytes + 20);
    chunk->size = VMP_CHUNK_HEADER_SIZE + payload;
    if (payload > VMP_CHUNK_MAX_PAYLOAD || chunk->size > (size_t)got)
        return false;
    scan->offset += chunk->size;
    return true;
}

void
scan_file(struct scan *scan, int fd)
{
    struct scan_chunk chunk;

    if (scan_is_log(fd)) {
        scan_log(scan, fd);
        return;
    }
    while (next_chunk(scan, fd, &chunk)) {
        const unsigned type = vmp_get_u16(chunk.bytes + 16);
        const struct cursor payload = {
            chunk.bytes + VMP_CHUNK_HEADER_SIZE,
            chunk.bytes + chunk.size,
            false,
        };

        if (type == VMP_CHUNK_GROUP)
            scan_group(scan, payload);
        else
            scan_payload(scan, type, payload);
    }
}

bool
scan_is_profile(int fd)
{
    unsigned char magic[4];

    return scan_is_log(fd) ||
           (pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
            vmp_get_u32(magic) == VMP_CHUNK_MAGIC);
}
