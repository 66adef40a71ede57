/* SPDX-License-Identifier: MIT */

#include "scan.h"

#include <stdlib.h>
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

/* NULL: no memory. */
static struct scan_session *
find_session(struct scan *scan, uint32_t id)
{
    struct scan_session *told = scan->told;

    for (size_t i = scan->told_count; i-- > 0;)
        if (told[i].id == id)
            return &told[i];
    told = realloc(told, (scan->told_count + 1) * sizeof(*told));
    if (!told)
        return NULL;
    scan->told = told;
    told += scan->told_count++;
    *told = (struct scan_session){ .id = id };
    return told;
}

static void
scan_stats(struct scan *scan, uint32_t id, struct cursor payload)
{
    struct scan_session *const session = find_session(scan, id);
    uint64_t samples = 0, unwritten = 0;
    struct field field;

    while (cursor_field(&payload, &field))
        if (field.key == VMP_STATS_SAMPLES)
            samples = field.number;
        else if (field.key == VMP_STATS_UNWRITTEN)
            unwritten = field.number;
    if (session)
        session->samples = samples > unwritten ? samples - unwritten : 0;
}

static void
scan_payload(struct scan *scan, uint32_t session, uint64_t type,
             struct cursor payload)
{
    if (type == VMP_CHUNK_SESSION) {
        scan->sessions++;
    } else if (type == VMP_CHUNK_END) {
        scan->ends++;
    } else if (type == VMP_CHUNK_STATS) {
        scan_stats(scan, session, payload);
    } else if (type == VMP_CHUNK_MODULES) {
        scan->modules++;
    } else if (type == VMP_CHUNK_RECORDED) {
        scan_recorded(scan, payload);
    } else if (type == VMP_CHUNK_SAMPLES) {
        cursor_varint(&payload); /* the thread */
        scan->entries += cursor_varint(&payload);
    }
}

static void
scan_group(struct scan *scan, uint32_t session, struct cursor group)
{
    while (cursor_has_more(&group)) {
        const uint64_t type = cursor_varint(&group);
        const struct bytes section = cursor_string(&group);

        if (!group.bad)
            scan_payload(scan, session, type,
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

uint64_t
scan_samples(const struct scan *scan)
{
    uint64_t samples = 0;

    if (scan->told_count < scan->sessions || scan->ends < scan->sessions)
        return scan->entries;
    for (size_t i = 0; i < scan->told_count; i++)
        samples += scan->told[i].samples;
    return samples;
}

void
scan_free(struct scan *scan)
{
    free(scan->told);
    *scan = (struct scan){ 0 };
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
        const uint32_t session = vmp_get_u32(chunk.bytes + 8);
        const unsigned type = vmp_get_u16(chunk.bytes + 16);
        const struct cursor payload = {
            chunk.bytes + VMP_CHUNK_HEADER_SIZE,
            chunk.bytes + chunk.size,
            false,
        };

        if (type == VMP_CHUNK_GROUP)
            scan_group(scan, session, payload);
        else
            scan_payload(scan, session, type, payload);
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
