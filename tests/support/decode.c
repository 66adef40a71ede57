/* SPDX-License-Identifier: MIT */

/* Files, chunks, and groups of them. */

#include "decode_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER = 24,
    MOST_PAYLOAD = 65512,
    GROUP = 9,
};

static void
read_end(struct decode_cursor *c)
{
    struct decoded_fields fields = { 0 };

    decode_fields(c, &fields);
    c->decoded->end_time = fields.number[2];
    c->decoded->ended = 1;
    decode_free_fields(&fields);
}

static void
read_payload(struct decode_cursor *c, uint64_t type)
{
    struct decoded *const d = c->decoded;

    decode_need(c, !d->ended, "something follows the end");
    decode_need(c, (d->chunk_count == 0) == (type == 1),
                "SESSION is not the first");
    if (type == 1)
        decode_fields(c, &d->session);
    else if (type == 2)
        decode_codes(c);
    else if (type == 3)
        decode_frames(c);
    else if (type == 4)
        decode_nodes(c);
    else if (type == 5)
        decode_thread(c);
    else if (type == 6)
        decode_samples(c);
    else if (type == 7)
        decode_fields(c, &d->stats);
    else if (type == 8)
        read_end(c);
    else if (type == 10)
        decode_modules(c);
    else if (type == 11)
        decode_words(c);
    else if (type == 12)
        decode_sites(c);
    else if (type == 13)
        decode_traces(c);
    else if (type == 14)
        decode_events(c);
    else if (type == 15)
        decode_counts(c);
    else if (type == 16)
        decode_recorded(c);
    else if (type == 17)
        decode_event_counts(c);
    else if (type == 18)
        decode_lines(c);
    else if (type == 19)
        decode_calls(c);
    else
        decode_need(c, false, "an unknown type");
    decode_need(c, c->at == c->end,
                "the payload does not end with its contents");
    if (!c->bad)
        d->payloads[type]++;
}

static void
read_group(struct decode_cursor *c)
{
    while (c->at < c->end && !c->bad) {
        const uint64_t type = decode_varint(c), size = decode_varint(c);
        struct decode_cursor section = *c;

        decode_need(c, size <= (uint64_t)(c->end - c->at),
                    "a section is cut off");
        if (c->bad)
            return;
        section.end = c->at = c->at + size;
        read_payload(&section, type);
        c->bad = section.bad;
    }
}

static uint32_t
little(const unsigned char *bytes, unsigned size)
{
    uint32_t value = 0;

    while (size--)
        value = value << 8 | bytes[size];
    return value;
}

uint32_t
decode_crc32c(const void *bytes, size_t size)
{
    static uint32_t table[256];
    const unsigned char *p = bytes;
    uint32_t crc = 0xffffffff;

    for (uint32_t i = 0; i < 256 && !table[255]; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0x82f63b78 : 0);
    }
    while (size--)
        crc = crc >> 8 ^ table[(crc ^ *p++) & 255];
    return crc ^ 0xffffffff;
}

/* Returns the size of the chunk, or 0: it is cut off, or wrong. */
static size_t
read_chunk(struct decoded *d, const unsigned char *bytes, size_t size)
{
    static const unsigned char magic[4] = { 0x8e, 'V', 'M', 'P' };
    uint32_t payload;

    if (size < HEADER)
        return 0;
    if (memcmp(bytes, magic, sizeof(magic)) != 0)
        return decode_fail(d, "no magic number"), 0;
    payload = little(bytes + 20, 4);
    if (payload > MOST_PAYLOAD)
        return decode_fail(d, "too long"), 0;
    if (size < HEADER + payload)
        return 0;
    if (decode_crc32c(bytes + 8, payload + 16) != little(bytes + 4, 4))
        return decode_fail(d, "bad checksum"), 0;
    if (little(bytes + 18, 2))
        return decode_fail(d, "unknown flags"), 0;
    if (!d->chunk_count)
        d->session_number = little(bytes + 8, 4);
    if (little(bytes + 8, 4) != d->session_number)
        return decode_fail(d, "another session"), 0;
    if (little(bytes + 12, 4) != d->chunk_count)
        return decode_fail(d, "a number is missing"), 0;

    struct decode_cursor c = { d, bytes + HEADER, bytes + HEADER + payload,
                               false };
    const unsigned type = little(bytes + 16, 2);
    if (type == GROUP)
        read_group(&c);
    else
        read_payload(&c, type);
    d->chunk_count++;
    return HEADER + payload;
}

int
decode(struct decoded *d, const void *bytes, size_t size)
{
    size_t chunk;

    memset(d, 0, sizeof(*d));
    d->frames = calloc(1, sizeof(*d->frames));
    d->nodes = calloc(1, sizeof(*d->nodes));
    d->modules = calloc(1, sizeof(*d->modules));
    d->words = calloc(1, sizeof(*d->words));
    if (!d->frames || !d->nodes || !d->modules || !d->words)
        abort();
    d->frame_count = d->node_count = d->module_count = d->word_count = 1;
    do {
        chunk = read_chunk(d, (const unsigned char *)bytes + d->whole,
                           size - d->whole);
        if (d->error[0])
            return -1;
        d->whole += chunk;
    } while (chunk);
    return 0;
}

int
decode_fd(struct decoded *d, int fd)
{
    struct stat status;
    char *bytes;
    ssize_t got;
    int r;

    memset(d, 0, sizeof(*d));
    if (fstat(fd, &status) < 0)
        return -1;
    bytes = malloc((size_t)status.st_size + 1);
    if (!bytes)
        return -1;
    got = pread(fd, bytes, (size_t)status.st_size, 0);
    r = got == status.st_size ? decode(d, bytes, (size_t)got) : -1;
    free(bytes);
    if (r < 0)
        fprintf(stderr, "decode: %s\n", d->error);
    return r;
}

void
decoded_free(struct decoded *d)
{
    for (size_t i = 0; i < d->code_count; i++)
        free(d->codes[i].name);
    for (size_t i = 0; i < d->thread_count; i++)
        decode_free_fields(&d->threads[i].fields);
    for (size_t i = 0; i < d->module_count; i++)
        decode_free_fields(&d->modules[i]);
    for (size_t i = 0; i < d->word_count; i++)
        free(d->words[i]);
    for (size_t i = 0; i < d->site_count; i++)
        free(d->sites[i].tuples);
    decoded_free_traces(d);
    decode_free_fields(&d->session);
    decode_free_fields(&d->stats);
    free(d->words);
    free(d->sites);
    free(d->events);
    free(d->recorded);
    free(d->gathered);
    free(d->modules);
    free(d->codes);
    free(d->frames);
    free(d->nodes);
    free(d->samples);
    free(d->threads);
    memset(d, 0, sizeof(*d));
}
