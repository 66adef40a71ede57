/* SPDX-License-Identifier: MIT */

#include "decode.h"

#include <stdbool.h>
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

/* What is left of a payload; `bad` once something was wrong with it. */
struct cursor {
    struct decoded *decoded;
    const unsigned char *at, *end;
    bool bad;
};

static void
fail(struct decoded *d, const char *what)
{
    if (!d->error[0])
        snprintf(d->error, sizeof(d->error), "chunk %u: %s", d->chunk_count,
                 what);
}

static void
need(struct cursor *c, bool holds, const char *what)
{
    if (holds || c->bad)
        return;
    c->bad = true;
    fail(c->decoded, what);
}

static uint64_t
varint(struct cursor *c)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 10 && !c->bad; i++) {
        need(c, c->at < c->end, "a varint is cut off");
        if (c->bad)
            return 0;
        const unsigned char byte = *c->at++;
        need(c, i < 9 || byte <= 1, "a varint is over 64 bits");
        value |= (uint64_t)(byte & 127) << 7 * i;
        if (byte < 128)
            return value;
    }
    return 0;
}

static int64_t
zigzag(struct cursor *c)
{
    const uint64_t value = varint(c);

    return value & 1 ? (int64_t) ~(value >> 1) : (int64_t)(value >> 1);
}

static char *
string(struct cursor *c)
{
    const uint64_t size = varint(c);
    char *copy;

    need(c, size <= (uint64_t)(c->end - c->at), "a string is cut off");
    if (c->bad)
        return NULL;
    copy = strndup((const char *)c->at, (size_t)size);
    c->at += size;
    return copy;
}

/* Room for one more in an array that grows by doubling. */
static void *
grow(void *array, size_t count, size_t size)
{
    if (count & (count - 1))
        return array;
    array = realloc(array, (count ? 2 * count : 1) * size);
    if (!array)
        abort();
    return array;
}

static void
free_fields(struct decoded_fields *fields)
{
    for (size_t i = 0; i < DECODED_KEYS; i++)
        free(fields->string[i]);
    memset(fields, 0, sizeof(*fields));
}

static void
read_fields(struct cursor *c, struct decoded_fields *fields)
{
    free_fields(fields);
    while (!c->bad && c->at < c->end) {
        const uint64_t key = varint(c);

        need(c, key < DECODED_KEYS, "an unknown key");
        if (c->bad)
            return;
        need(c, !fields->string[key] && !fields->number[key], "a key twice");
        if (key & 1)
            fields->string[key] = string(c);
        else
            fields->number[key] = varint(c);
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
read_codes(struct cursor *c)
{
    struct decoded *const d = c->decoded;

    for (uint64_t left = varint(c); left && !c->bad; left--) {
        const uint64_t id = varint(c) * 4;
        char *const name = string(c);

        need(c, name && count_of(name, ':') == 3, "a name without 3 colons");
        need(c, id != 0, "a code with the id 0");
        if (c->bad) {
            free(name);
            return;
        }
        d->codes = grow(d->codes, d->code_count, sizeof(*d->codes));
        d->codes[d->code_count++] = (struct decoded_code){ id, name };
    }
}

static void
read_frames(struct cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = varint(c);

    need(c, first == d->frame_count, "frames are not numbered in a row");
    for (uint64_t left = varint(c); left && !c->bad; left--) {
        struct decoded_frame frame = { .code = varint(c) * 4 };
        const uint64_t bits = varint(c);

        frame.kind = bits & 15;
        frame.line = bits & 16 ? varint(c) : 0;
        frame.has_offset = !!(bits & 32);
        frame.offset = bits & 32 ? varint(c) : 0;
        frame.module = bits & 64 ? varint(c) : 0;
        need(c, bits < 128, "a frame with unknown bits");
        need(c, frame.kind >= 1 && frame.kind <= 10, "a kind that is none");
        need(c, frame.kind == 10 ? bits & 32 && !frame.code : !(bits & 64),
             "a module or a code that does not fit the kind");
        need(c,
             frame.module < d->module_count && (!(bits & 64) || frame.module),
             "a frame of an undefined module");
        d->frames = grow(d->frames, d->frame_count, sizeof(frame));
        d->frames[d->frame_count++] = frame;
    }
}

static void
read_modules(struct cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = varint(c);

    need(c, first == d->module_count, "modules are not numbered in a row");
    for (uint64_t left = varint(c); left && !c->bad; left--) {
        const uint64_t size = varint(c);
        struct cursor entry = *c;

        need(c, size <= (uint64_t)(c->end - c->at), "a module is cut off");
        if (c->bad)
            return;
        entry.end = c->at = c->at + size;
        d->modules = grow(d->modules, d->module_count, sizeof(*d->modules));
        memset(&d->modules[d->module_count], 0, sizeof(*d->modules));
        read_fields(&entry, &d->modules[d->module_count++]);
        c->bad = entry.bad;
    }
}

static void
read_nodes(struct cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = varint(c);

    need(c, first == d->node_count, "nodes are not numbered in a row");
    for (uint64_t left = varint(c); left && !c->bad; left--) {
        const uint64_t distance = varint(c), frame = varint(c);

        need(c, distance >= 1 && distance <= d->node_count,
             "a node without a parent");
        need(c, frame < d->frame_count, "a node of an undefined frame");
        need(c, frame != CUT_FRAME || distance == d->node_count,
             "the cut frame stands on another");
        if (c->bad)
            return;
        d->nodes = grow(d->nodes, d->node_count, sizeof(*d->nodes));
        d->nodes[d->node_count] =
            (struct decoded_node){ (uint32_t)(d->node_count - distance),
                                   (uint32_t)frame };
        d->node_count++;
    }
}

static void
read_thread(struct cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_fields fields = { 0 };
    size_t index;

    read_fields(c, &fields);
    index = (size_t)fields.number[2];
    need(c, index <= d->thread_count, "threads are not numbered in a row");
    if (c->bad) {
        free_fields(&fields);
        return;
    }
    if (index == d->thread_count) {
        d->threads = grow(d->threads, index, sizeof(*d->threads));
        memset(&d->threads[index], 0, sizeof(*d->threads));
        d->thread_count++;
    }
    free_fields(&d->threads[index].fields);
    d->threads[index].fields = fields;
    d->threads[index].known = 1;
}

static void
add_sample(struct decoded *d, const struct decoded_sample *sample)
{
    d->samples = grow(d->samples, d->sample_count, sizeof(*sample));
    d->samples[d->sample_count++] = *sample;
}

static void
read_samples(struct cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_sample sample = { .thread = (uint32_t)varint(c) };
    uint64_t left = varint(c);

    sample.time = varint(c);
    need(c, sample.thread < d->thread_count, "samples of an unknown thread");
    if (c->bad)
        return;
    need(c, sample.time >= d->threads[sample.thread].time,
         "samples run backwards");
    while (left && !c->bad) {
        const uint64_t v = varint(c);

        need(c, v != 1, "a sample of node -1");
        if (!v) {
            const uint64_t both = varint(c);

            sample.phase = both & 15;
            sample.state = (uint32_t)(both >> 4);
            continue;
        }
        const uint64_t passed = varint(c);
        need(c, (v >> 1) - 1 < d->node_count, "a sample of an undefined node");
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
read_words(struct cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t first = varint(c);

    need(c, first == d->word_count, "words are not numbered in a row");
    for (uint64_t left = varint(c); left && !c->bad; left--) {
        d->words = grow(d->words, d->word_count, sizeof(*d->words));
        d->words[d->word_count] = string(c);
        d->word_count += !c->bad;
    }
}

static uint64_t
word(struct cursor *c)
{
    const uint64_t index = varint(c);

    need(c, index < c->decoded->word_count, "an undefined word");
    return c->bad ? 0 : index;
}

static void
read_tuples(struct cursor *c, struct decoded_site *site)
{
    for (size_t i = 0; i < site->tuple_count && !c->bad; i++) {
        struct decoded_tuple *const tuple = &site->tuples[i];

        tuple->count = (size_t)varint(c);
        need(c, tuple->count <= 8, "a tuple of more than 8");
        for (size_t j = 0; j < tuple->count && !c->bad; j++)
            tuple->words[j] = (uint32_t)word(c);
        tuple->hits = varint(c);
        site->typed += tuple->hits;
    }
}

static void
read_site(struct cursor *c, const struct decoded_site *readout)
{
    struct decoded *const d = c->decoded;
    struct decoded_site site = *readout;

    site.code = varint(c) * 4;
    site.bits = varint(c);
    need(c, site.bits < 16, "a row with unknown bits");
    need(c, site.bits & 1 || !site.bits, "a row without a place has a line");
    need(c, !site.code || decoded_name(d, site.code), "an undefined code");
    site.offset = site.bits & 1 ? varint(c) : 0;
    site.opcode = site.bits & 1 ? varint(c) : 0;
    site.line = site.bits & 2 ? varint(c) : 0;
    site.opname = site.bits & 4 ? word(c) : 0;
    site.hash = site.bits & 8 ? varint(c) : 0;
    site.untyped = varint(c);
    site.other = varint(c);
    site.bytecodes = varint(c);
    site.tuple_count = (size_t)varint(c);
    need(c, site.tuple_count <= 64, "a row of more than 64 tuples");
    if (c->bad)
        return;
    site.tuples = calloc(site.tuple_count + 1, sizeof(*site.tuples));
    if (!site.tuples)
        abort();
    read_tuples(c, &site);
    site.bytecodes += site.untyped + site.other + site.typed;
    d->sites = grow(d->sites, d->site_count, sizeof(*d->sites));
    d->sites[d->site_count++] = site;
}

static void
read_sites(struct cursor *c)
{
    struct decoded_site readout = { .time = varint(c), .from = varint(c) };

    readout.period = varint(c);
    readout.jitter = varint(c);
    need(c, readout.from <= readout.time, "a read-out before its start");
    need(c, readout.period > 0, "a period of 0");
    need(c, readout.jitter < 2, "a read-out with unknown bits");
    for (uint64_t left = varint(c); left && !c->bad; left--)
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
read_marks(struct cursor *c, struct mark *marks, size_t room)
{
    const size_t count = (size_t)varint(c);
    struct mark last = { 0 };

    need(c, count >= 1 && count <= room, "no mark, or too many");
    for (size_t i = 0; i < count && !c->bad; i++) {
        last.ticks += (double)varint(c);
        last.ns += (double)varint(c);
        last.cpu_ns += (double)varint(c);
        marks[i] = last;
    }
    need(c, c->bad || marks[0].ticks == 0, "a first mark that is not 0");
    return count;
}

static void
read_events(struct cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_event event = { .thread = (uint32_t)varint(c) };
    uint64_t left, first_ticks;
    struct mark marks[256];
    int64_t since = 0;
    size_t count;

    event.bits = (uint32_t)varint(c);
    event.lost = varint(c);
    event.number = varint(c);
    left = varint(c);
    first_ticks = varint(c);
    count = read_marks(c, marks, 256);
    need(c, event.thread < d->thread_count, "events of an unknown thread");
    need(c, event.bits < 8 && (event.bits & 3) != 3, "unknown bits of events");
    need(c, left > 0, "no events");
    for (size_t i = 0; i < left && !c->bad; i++) {
        uint64_t word;

        if (!i)
            since = zigzag(c);
        word = varint(c);
        if (i)
            since += zigzag(c);
        event.id = (uint32_t)(word >> 3);
        event.edge = (uint32_t)word & 7;
        need(c, event.id && event.id < 1 << 24 && word >> 27 == 0,
             "an event of no trace");
        need(c, event.edge <= 4, "an unknown edge");
        event.ticks = (int64_t)first_ticks + since;
        tell_time(&event, (double)since, marks, count);
        if (c->bad)
            return;
        d->events = grow(d->events, d->event_count, sizeof(*d->events));
        d->events[d->event_count++] = event;
        event.number++;
    }
}

static void
read_end(struct cursor *c)
{
    struct decoded_fields fields = { 0 };

    read_fields(c, &fields);
    c->decoded->end_time = fields.number[2];
    c->decoded->ended = 1;
    free_fields(&fields);
}

static void
read_payload(struct cursor *c, uint64_t type)
{
    struct decoded *const d = c->decoded;

    need(c, !d->ended, "something follows the end");
    need(c, (d->chunk_count == 0) == (type == 1), "SESSION is not the first");
    if (type == 1)
        read_fields(c, &d->session);
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
        read_fields(c, &d->stats);
    else if (type == 8)
        read_end(c);
    else if (type == 10)
        read_modules(c);
    else if (type == 11)
        read_words(c);
    else if (type == 12)
        read_sites(c);
    else if (type == 14)
        read_events(c);
    else
        need(c, false, "an unknown type");
    need(c, c->at == c->end, "the payload does not end with its contents");
    if (!c->bad)
        d->payloads[type]++;
}

static void
read_group(struct cursor *c)
{
    while (c->at < c->end && !c->bad) {
        const uint64_t type = varint(c), size = varint(c);
        struct cursor section = *c;

        need(c, size <= (uint64_t)(c->end - c->at), "a section is cut off");
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

    struct cursor c = { d, bytes + HEADER, bytes + HEADER + payload, false };
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
        free_fields(&d->threads[i].fields);
    for (size_t i = 0; i < d->module_count; i++)
        free_fields(&d->modules[i]);
    for (size_t i = 0; i < d->word_count; i++)
        free(d->words[i]);
    for (size_t i = 0; i < d->site_count; i++)
        free(d->sites[i].tuples);
    free_fields(&d->session);
    free_fields(&d->stats);
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
