/* SPDX-License-Identifier: MIT */

#include "saved_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "varint.h"

enum {
    HEADER = 16,
    CHECKED_FROM = 12,
};

/* The last byte is the version of the format. */
static const unsigned char magic[8] = { 0x8e, 'V', 'M', 'P', 'T', 'Y', 'P', 1 };

void
vmp_section_bytes(struct vmp_section *section, const void *bytes, size_t size)
{
    if (section->capacity - section->size < size) {
        const size_t wanted = 2 * (section->size + size);
        unsigned char *const grown = realloc(section->bytes, wanted);

        if (!grown) {
            section->failed = true;
            return;
        }
        section->bytes = grown;
        section->capacity = wanted;
    }
    memcpy(section->bytes + section->size, bytes, size);
    section->size += size;
}

void
vmp_section_number(struct vmp_section *section, uint64_t value)
{
    unsigned char bytes[VMP_VARINT_MAX];

    vmp_section_bytes(section, bytes,
                      (size_t)(vmp_put_varint(bytes, value) - bytes));
}

void
vmp_section_string(struct vmp_section *section, const char *text)
{
    const size_t size = strlen(text);

    vmp_section_number(section, size);
    vmp_section_bytes(section, text, size);
}

void
vmp_section_begin(struct vmp_section *section)
{
    static const unsigned char header[HEADER];

    section->size = 0;
    section->failed = false;
    vmp_section_bytes(section, header, sizeof(header));
}

size_t
vmp_section_finish(struct vmp_section *section)
{
    const size_t payload = section->size - HEADER;
    unsigned char *const header = section->bytes;

    if (section->failed || payload > UINT32_MAX)
        return 0;
    memcpy(header, magic, sizeof(magic));
    vmp_put_u32(header + CHECKED_FROM, (uint32_t)payload);
    vmp_put_u32(header + 8, vmp_crc32c(header + CHECKED_FROM,
                                       section->size - CHECKED_FROM));
    return section->size;
}

/* What is left of a payload; `error` once something was wrong. */
struct cursor {
    const unsigned char *at, *end;
    struct vmp_saved *saved;
    char *free_string;   /* the buffer has a byte for each of the data */
    uint64_t first_word; /* of this section, less 1 */
    int error;
};

static uint64_t
number(struct cursor *c, uint64_t most)
{
    uint64_t value = 0;

    if (!c->error && (!vmp_get_varint(&c->at, c->end, &value) || value > most))
        c->error = -EBADMSG;
    return c->error ? 0 : value;
}

/* A count of things that take at least a byte each. */
static uint64_t
count(struct cursor *c)
{
    return number(c, (uint64_t)(c->end - c->at));
}

static const char *
string(struct cursor *c)
{
    const uint64_t size = number(c, (uint64_t)(c->end - c->at));
    char *const copy = c->free_string;

    if (!c->error &&
        (size > (uint64_t)(c->end - c->at) || memchr(c->at, 0, (size_t)size)))
        c->error = -EBADMSG;
    if (c->error)
        return "";
    memcpy(copy, c->at, (size_t)size);
    copy[size] = 0;
    c->free_string += size + 1; /* the length took a byte at least */
    c->at += size;
    return copy;
}

/* Room for one more in an array that grows by doubling; NULL: none. */
static void *
grow(struct cursor *c, void *array, size_t used, size_t size)
{
    void *grown = array;

    if (!(used & (used - 1)))
        grown = realloc(array, (used ? 2 * used : 1) * size);
    if (!grown)
        c->error = -ENOMEM;
    return grown ? grown : array;
}

static void
read_words(struct cursor *c)
{
    struct vmp_saved *const s = c->saved;

    c->first_word = s->word_count - 1;
    for (uint64_t left = count(c); left && !c->error; left--) {
        const char *const word = string(c);

        s->words = grow(c, s->words, s->word_count, sizeof(*s->words));
        if (!c->error)
            s->words[s->word_count++] = word;
    }
}

static uint32_t
word(struct cursor *c)
{
    const uint64_t index = number(c, c->saved->word_count - 1 - c->first_word);

    return (uint32_t)(index ? c->first_word + index : 0);
}

static void
add(struct cursor *c, uint64_t *sum, uint64_t amount)
{
    if (__builtin_add_overflow(*sum, amount, sum))
        c->error = -EBADMSG;
}

static void
read_tuple(struct cursor *c, struct vmp_saved_site *site)
{
    struct vmp_saved *const s = c->saved;
    struct vmp_saved_tuple tuple = { 0 };

    tuple.count = (uint32_t)number(c, VMP_OPERANDS_MAX);
    for (uint32_t i = 0; i < tuple.count; i++)
        tuple.words[i] = word(c);
    tuple.hits = number(c, UINT64_MAX);
    add(c, &site->typed, tuple.hits);
    s->tuples = grow(c, s->tuples, s->tuple_count, sizeof(tuple));
    if (!c->error)
        s->tuples[s->tuple_count++] = tuple;
}

static void
read_site(struct cursor *c)
{
    struct vmp_saved *const s = c->saved;
    struct vmp_saved_site site = { .offset = number(c, UINT64_MAX) };

    site.opcode = (uint32_t)number(c, UINT32_MAX);
    site.opname = word(c);
    site.line = (uint32_t)number(c, UINT32_MAX);
    site.untyped = number(c, UINT64_MAX);
    site.other = number(c, UINT64_MAX);
    site.bytecodes = number(c, UINT64_MAX);
    site.tuple_count = (uint32_t)number(c, VMP_TUPLES_MAX);
    site.first_tuple = s->tuple_count;
    for (uint32_t i = 0; i < site.tuple_count && !c->error; i++)
        read_tuple(c, &site);
    add(c, &site.bytecodes, site.untyped);
    add(c, &site.bytecodes, site.other);
    add(c, &site.bytecodes, site.typed);
    s->sites = grow(c, s->sites, s->site_count, sizeof(site));
    if (!c->error)
        s->sites[s->site_count++] = site;
}

static void
read_codes(struct cursor *c)
{
    struct vmp_saved *const s = c->saved;

    for (uint64_t left = count(c); left && !c->error; left--) {
        struct vmp_saved_code code = { .name = string(c) };

        code.hash = number(c, UINT64_MAX);
        code.first_site = s->site_count;
        code.site_count = (size_t)count(c);
        for (size_t i = 0; i < code.site_count && !c->error; i++)
            read_site(c);
        s->codes = grow(c, s->codes, s->code_count, sizeof(code));
        if (!c->error)
            s->codes[s->code_count++] = code;
    }
}

static void
read_payload(struct cursor *c, const char *vm_version)
{
    char *const strings = c->free_string;

    if (strcmp(string(c), vm_version) != 0) {
        c->free_string = strings;
        return;
    }
    c->saved->sections++;
    read_words(c);
    read_codes(c);
    if (!c->error && c->at != c->end)
        c->error = -EBADMSG;
}

/* Returns the size of the section at `data`, or -EBADMSG. */
static int64_t
check_section(const unsigned char *data, size_t size)
{
    uint32_t payload;

    if (size < HEADER || memcmp(data, magic, sizeof(magic)) != 0)
        return -EBADMSG;
    payload = vmp_get_u32(data + CHECKED_FROM);
    if (payload > size - HEADER ||
        vmp_crc32c(data + CHECKED_FROM, HEADER - CHECKED_FROM + payload) !=
            vmp_get_u32(data + 8))
        return -EBADMSG;
    return HEADER + (int64_t)payload;
}

int
vmp_saved_read(const void *data, size_t size, const char *vm_version,
               struct vmp_saved *out)
{
    struct cursor c = { .saved = out };

    memset(out, 0, sizeof(*out));
    out->strings = c.free_string = malloc(size + 1);
    out->words = calloc(1, sizeof(*out->words));
    if (!out->strings || !out->words)
        c.error = -ENOMEM;
    else
        out->words[out->word_count++] = "<NULL>";
    if (!size)
        c.error = -EBADMSG;
    for (size_t at = 0; at < size && !c.error;) {
        const unsigned char *const section = (const unsigned char *)data + at;
        const int64_t whole = check_section(section, size - at);

        if (whole < 0) {
            c.error = (int)whole;
            break;
        }
        c.at = section + HEADER;
        c.end = section + whole;
        read_payload(&c, vm_version);
        at += (size_t)whole;
    }
    if (c.error)
        vmp_saved_free(out);
    return c.error;
}

void
vmp_saved_free(struct vmp_saved *saved)
{
    free(saved->strings);
    free(saved->words);
    free(saved->codes);
    free(saved->sites);
    free(saved->tuples);
    memset(saved, 0, sizeof(*saved));
}
