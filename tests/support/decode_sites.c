/* SPDX-License-Identifier: MIT */

/* Chunks WORDS and SITES. */

#include "decode_parts.h"

#include <stdlib.h>

void
decode_words(struct decode_cursor *c)
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

void
decode_sites(struct decode_cursor *c)
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
