/* SPDX-License-Identifier: MIT */

#include "decode_traces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HEADER = 24,
    MOST_PAYLOAD = 65512,
    CUT_FRAME = 0,
    GROUP = 9,
};

static void
fail(struct decoded *d, const char *what)
{
    if (!d->error[0])
        snprintf(d->error, sizeof(d->error), "chunk %u: %s", d->chunk_count,
                 what);
}

void
decode_need(struct decode_cursor *c, bool holds, const char *what)
{
    if (holds || c->bad)
        return;
    c->bad = true;
    fail(c->decoded, what);
}

uint64_t
decode_varint(struct decode_cursor *c)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 10 && !c->bad; i++) {
        decode_need(c, c->at < c->end, "a varint is cut off");
        if (c->bad)
            return 0;
        const unsigned char byte = *c->at++;
        decode_need(c, i < 9 || byte <= 1, "a varint is over 64 bits");
        value |= (uint64_t)(byte & 127) << 7 * i;
        if (byte < 128)
            return value;
    }
    return 0;
}

static int64_t
zigzag(struct decode_cursor *c)
{
    const uint64_t value = decode_varint(c);

    return value & 1 ? (int64_t) ~(value >> 1) : (int64_t)(value >> 1);
}

char *
decode_string(struct decode_cursor *c)
{
    const uint64_t size = decode_varint(c);
    char *copy;

    decode_need(c, size <= (uint64_t)(c->end - c->at), "a string is cut off");
    if (c->bad)
        return NULL;
    copy = strndup((const char *)c->at, (size_t)size);
    c->at += size;
    return copy;
}

void *
decode_grow(void *array, size_t count, size_t size)
{
    if (count & (count - 1))
        return array;
    array = realloc(array, (count ? 2 * count : 1) * size);
    if (!array)
        abort();
    return array;
}

void
decode_free_fields(struct decoded_fields *fields)
{
    for (size_t i = 0; i < DECODED_KEYS; i++)
        free(fields->string[i]);
    memset(fields, 0, sizeof(*fields));
}

void
decode_fields(struct decode_cursor *c, struct decoded_fields *fields)
{
    decode_free_fields(fields);
    while (!c->bad && c->at < c->end) {
        const uint64_t key = decode_varint(c);

        decode_need(c, key < DECODED_KEYS, "an unknown key");
        if (c->bad)
            return;
        decode_need(c, !fields->string[key] && !fields->number[key],
                    "a key twice");
        if (key & 1)
            fields->string[key] = decode_string(c);
        else
            fields->number[key] = decode_varint(c);
    }
}

const char *
decoded_name(const struct decoded *d, uint64_t id)
{
    for (size_t i = 0; i < d->code_count; i++)
        if (d->codes[i].id == id)
            return d->codes[i].name;
    return NULL;
}

static unsigned
count_of(const char *text, char wanted)
{
    unsigned count = 0;

    for (; *text; text++)
        count += *text == wanted;
    return count;
}

static void
read_codes(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;

    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        const uint64_t id = decode_varint(c) * 4;
        char *const name = decode_string(c);

        decode_need(c, name && count_of(name, ':') == 3,
                    "a name without 3 colons");
        decode_need(c, id != 0, "a code with the id 0");
        if (c->bad) {
            free(name);
            return;
        }
        d->codes = decode_grow(d->codes, d->code_count, sizeof(*d->codes));
        d->codes[d->code_count++] = (struct decoded_code){ id, name };
    }
}

static void
read_frames(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = decode_varint(c);

    decode_need(c, first == d->frame_count, "frames are not numbered in a row");
    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        struct decoded_frame frame = { .code = decode_varint(c) * 4 };
        const uint64_t bits = decode_varint(c);

        frame.kind = bits & 15;
        frame.line = bits & 16 ? decode_varint(c) : 0;
        frame.has_offset = !!(bits & 32);
        frame.offset = bits & 32 ? decode_varint(c) : 0;
        frame.module = bits & 64 ? decode_varint(c) : 0;
        decode_need(c, bits < 128, "a frame with unknown bits");
        decode_need(c, frame.kind >= 1 && frame.kind <= 10,
                    "a kind that is none");
        decode_need(c,
                    frame.kind == 10 ? bits & 32 && !frame.code : !(bits & 64),
                    "a module or a code that does not fit the kind");
        decode_need(
            c, frame.module < d->module_count && (!(bits & 64) || frame.module),
            "a frame of an undefined module");
        decode_need(c, frame.kind != 6 || decoded_trace(d, frame.code / 4),
                    "a frame of an undefined trace");
        d->frames = decode_grow(d->frames, d->frame_count, sizeof(frame));
        d->frames[d->frame_count++] = frame;
    }
}

static void
read_modules(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = decode_varint(c);

    decode_need(c, first == d->module_count,
                "modules are not numbered in a row");
    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        const uint64_t size = decode_varint(c);
        struct decode_cursor entry = *c;

        decode_need(c, size <= (uint64_t)(c->end - c->at),
                    "a module is cut off");
        if (c->bad)
            return;
        entry.end = c->at = c->at + size;
        d->modules =
            decode_grow(d->modules, d->module_count, sizeof(*d->modules));
        memset(&d->modules[d->module_count], 0, sizeof(*d->modules));
        decode_fields(&entry, &d->modules[d->module_count++]);
        c->bad = entry.bad;
    }
}

static void
read_nodes(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = decode_varint(c);

    decode_need(c, first == d->node_count, "nodes are not numbered in a row");
    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        const uint64_t distance = decode_varint(c), frame = decode_varint(c);

        decode_need(c, distance >= 1 && distance <= d->node_count,
                    "a node without a parent");
        decode_need(c, frame < d->frame_count, "a node of an undefined frame");
        decode_need(c, frame != CUT_FRAME || distance == d->node_count,
                    "the cut frame stands on another");
        if (c->bad)
            return;
        d->nodes = decode_grow(d->nodes, d->node_count, sizeof(*d->nodes));
        d->nodes[d->node_count] =
            (struct decoded_node){ (uint32_t)(d->node_count - distance),
                                   (uint32_t)frame };
        d->node_count++;
    }
}

static void
read_thread(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_fields fields = { 0 };
    size_t index;

    decode_fields(c, &fields);
    index = (size_t)fields.number[2];
    decode_need(c, index <= d->thread_count,
                "threads are not numbered in a row");
    if (c->bad) {
        decode_free_fields(&fields);
        return;
    }
    if (index == d->thread_count) {
        d->threads = decode_grow(d->threads, index, sizeof(*d->threads));
        memset(&d->threads[index], 0, sizeof(*d->threads));
        d->thread_count++;
    }
    decode_free_fields(&d->threads[index].fields);
    d->threads[index].fields = fields;
    d->threads[index].known = 1;
}

static void
add_sample(struct decoded *d, const struct decoded_sample *sample)
{
    d->samples = decode_grow(d->samples, d->sample_count, sizeof(*sample));
    d->samples[d->sample_count++] = *sample;
}

static void
read_samples(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_sample sample = { .thread = (uint32_t)decode_varint(c) };
    uint64_t left = decode_varint(c);

    sample.time = decode_varint(c);
    decode_need(c, sample.thread < d->thread_count,
                "samples of an unknown thread");
    if (c->bad)
        return;
    decode_need(c, sample.time >= d->threads[sample.thread].time,
                "samples run backwards");
    while (left && !c->bad) {
        const uint64_t v = decode_varint(c);

        decode_need(c, v != 1, "a sample of node -1");
        if (!v) {
            const uint64_t both = decode_varint(c);

            sample.phase = both & 15;
            sample.state = (uint32_t)(both >> 4);
            continue;
        }
        const uint64_t passed = decode_varint(c);
        decode_need(c, (v >> 1) - 1 < d->node_count,
                    "a sample of an undefined node");
        sample.node = (uint32_t)((v >> 1) - 1);
        sample.time += passed;
        sample.weight = v & 1 ? passed + (uint64_t)zigzag(c) : passed;
        if (!c->bad)
            add_sample(d, &sample);
        left--;
    }
    d->threads[sample.thread].time = sample.time;
}

static void
read_words(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = decode_varint(c);

    decode_need(c, first == d->word_count, "words are not numbered in a row");
    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        d->words = decode_grow(d->words, d->word_count, sizeof(*d->words));
        d->words[d->word_count] = decode_string(c);
        d->word_count += !c->bad;
    }
}

static uint64_t
word(struct decode_cursor *c)
{
    const uint64_t index = decode_varint(c);

    decode_need(c, index < c->decoded->word_count, "an undefined word");
    return c->bad ? 0 : index;
}

static void
read_tuples(struct decode_cursor *c, struct decoded_site *site)
{
    for (size_t i = 0; i < site->tuple_count && !c->bad; i++) {
        struct decoded_tuple *const tuple = &site->tuples[i];

        tuple->count = (size_t)decode_varint(c);
        decode_need(c, tuple->count <= 8, "a tuple of more than 8");
        for (size_t j = 0; j < tuple->count && !c->bad; j++)
            tuple->words[j] = (uint32_t)word(c);
        tuple->hits = decode_varint(c);
        site->typed += tuple->hits;
    }
}

static void
read_site(struct decode_cursor *c, const struct decoded_site *readout)
{
    struct decoded *const d = c->decoded;
    struct decoded_site site = *readout;

    site.code = decode_varint(c) * 4;
    site.bits = decode_varint(c);
    decode_need(c, site.bits < 16, "a row with unknown bits");
    decode_need(c, site.bits & 1 || !site.bits,
                "a row without a place has a line");
    decode_need(c, !site.code || decoded_name(d, site.code),
                "an undefined code");
    site.offset = site.bits & 1 ? decode_varint(c) : 0;
    site.opcode = site.bits & 1 ? decode_varint(c) : 0;
    site.line = site.bits & 2 ? decode_varint(c) : 0;
    site.opname = site.bits & 4 ? word(c) : 0;
    site.hash = site.bits & 8 ? decode_varint(c) : 0;
    site.untyped = decode_varint(c);
    site.other = decode_varint(c);
    site.bytecodes = decode_varint(c);
    site.tuple_count = (size_t)decode_varint(c);
    decode_need(c, site.tuple_count <= 64, "a row of more than 64 tuples");
    if (c->bad)
        return;
    site.tuples = calloc(site.tuple_count + 1, sizeof(*site.tuples));
    if (!site.tuples)
        abort();
    read_tuples(c, &site);
    site.bytecodes += site.untyped + site.other + site.typed;
    d->sites = decode_grow(d->sites, d->site_count, sizeof(*d->sites));
    d->sites[d->site_count++] = site;
}

static void
read_sites(struct decode_cursor *c)
{
    struct decoded_site readout = { .time = decode_varint(c),
                                    .from = decode_varint(c) };

    readout.period = decode_varint(c);
    readout.jitter = decode_varint(c);
    decode_need(c, readout.from <= readout.time, "a read-out before its start");
    decode_need(c, readout.period > 0, "a period of 0");
    decode_need(c, readout.jitter < 2, "a read-out with unknown bits");
    for (uint64_t left = decode_varint(c); left && !c->bad; left--)
        read_site(c, &readout);
}

/* Ticks since the first mark, and what they are. */
struct mark {
    double ticks, ns, cpu_ns;
};

/* By the marks on both sides, or by the first or last two. */
static void
tell_time(struct decoded_event *event, double ticks, const struct mark *marks,
          size_t count)
{
    size_t i = 1;
    double part;

    while (i + 1 < count && marks[i].ticks < ticks)
        i++;
    if (count == 1 || marks[i].ticks == marks[i - 1].ticks) {
        event->ns = marks[0].ns;
        event->cpu_ns = marks[0].cpu_ns;
        return;
    }
    part = (ticks - marks[i - 1].ticks) / (marks[i].ticks - marks[i - 1].ticks);
    event->ns = marks[i - 1].ns + part * (marks[i].ns - marks[i - 1].ns);
    event->cpu_ns =
        marks[i - 1].cpu_ns + part * (marks[i].cpu_ns - marks[i - 1].cpu_ns);
}

static size_t
read_marks(struct decode_cursor *c, struct mark *marks, size_t room)
{
    const size_t count = (size_t)decode_varint(c);
    struct mark last = { 0 };

    decode_need(c, count >= 1 && count <= room, "no mark, or too many");
    for (size_t i = 0; i < count && !c->bad; i++) {
        last.ticks += (double)decode_varint(c);
        last.ns += (double)decode_varint(c);
        last.cpu_ns += (double)decode_varint(c);
        marks[i] = last;
    }
    decode_need(c, c->bad || marks[0].ticks == 0, "a first mark that is not 0");
    return count;
}

static void
read_events(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_event event = { .thread = (uint32_t)decode_varint(c) };
    uint64_t left, first_ticks;
    struct mark marks[256];
    int64_t since = 0;
    size_t count;

    event.bits = (uint32_t)decode_varint(c);
    event.lost = decode_varint(c);
    event.number = decode_varint(c);
    left = decode_varint(c);
    first_ticks = decode_varint(c);
    count = read_marks(c, marks, 256);
    decode_need(c, event.thread < d->thread_count,
                "events of an unknown thread");
    decode_need(c, event.bits < 8 && (event.bits & 3) != 3,
                "unknown bits of events");
    decode_need(c, left > 0, "no events");
    for (size_t i = 0; i < left && !c->bad; i++) {
        uint64_t word;

        if (!i)
            since = zigzag(c);
        word = decode_varint(c);
        if (i)
            since += zigzag(c);
        event.id = (uint32_t)(word >> 3);
        event.edge = (uint32_t)word & 7;
        decode_need(c, event.id && event.id < 1 << 24 && word >> 27 == 0,
                    "an event of no trace");
        decode_need(c, event.edge <= 4, "an unknown edge");
        event.ticks = (int64_t)first_ticks + since;
        tell_time(&event, (double)since, marks, count);
        if (c->bad)
            return;
        d->events = decode_grow(d->events, d->event_count, sizeof(*d->events));
        d->events[d->event_count++] = event;
        event.number++;
    }
}

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
        read_codes(c);
    else if (type == 3)
        read_frames(c);
    else if (type == 4)
        read_nodes(c);
    else if (type == 5)
        read_thread(c);
    else if (type == 6)
        read_samples(c);
    else if (type == 7)
        decode_fields(c, &d->stats);
    else if (type == 8)
        read_end(c);
    else if (type == 10)
        read_modules(c);
    else if (type == 11)
        read_words(c);
    else if (type == 12)
        read_sites(c);
    else if (type == 13)
        decode_traces(c);
    else if (type == 14)
        read_events(c);
    else if (type == 15)
        decode_counts(c);
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
        return fail(d, "no magic number"), 0;
    payload = little(bytes + 20, 4);
    if (payload > MOST_PAYLOAD)
        return fail(d, "too long"), 0;
    if (size < HEADER + payload)
        return 0;
    if (decode_crc32c(bytes + 8, payload + 16) != little(bytes + 4, 4))
        return fail(d, "bad checksum"), 0;
    if (little(bytes + 18, 2))
        return fail(d, "unknown flags"), 0;
    if (!d->chunk_count)
        d->session_number = little(bytes + 8, 4);
    if (little(bytes + 8, 4) != d->session_number)
        return fail(d, "another session"), 0;
    if (little(bytes + 12, 4) != d->chunk_count)
        return fail(d, "a number is missing"), 0;

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
    free(d->modules);
    free(d->codes);
    free(d->frames);
    free(d->nodes);
    free(d->samples);
    free(d->threads);
    memset(d, 0, sizeof(*d));
}

size_t
decoded_stack(const struct decoded *d, uint32_t node, uint32_t *frames,
              size_t max)
{
    size_t depth = 0;

    for (uint32_t n = node; n; n = d->nodes[n].parent)
        depth++;
    for (size_t i = depth; node; node = d->nodes[node].parent)
        if (--i < max)
            frames[i] = d->nodes[node].frame;
    return depth;
}
