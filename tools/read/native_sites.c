/* SPDX-License-Identifier: MIT */

/* WORDS and SITES: rows of bytecodes and types. */
#include <errno.h>

#include "native.h"
#include "store.h"

int
native_words_chunk(struct native *native, struct native_chunk *chunk)
{
    struct index_map *map = &native->sessions[chunk->session].words;
    const uint64_t first = cursor_varint(&chunk->payload);
    uint64_t count = cursor_varint(&chunk->payload);
    int result = chunk->payload.bad ? -EBADMSG : index_map_begin(map, first);

    while (count-- && !result) {
        const struct bytes text = cursor_string(&chunk->payload);
        int64_t word;

        if (chunk->payload.bad)
            return -EBADMSG;
        word = type_table_word(&native->types, native->profile, text.data,
                               text.size);
        result = word < 0 ? -ENOMEM : index_map_add(map, (uint32_t)word);
    }
    return result;
}

static uint32_t
find_word(struct native *native, uint32_t session, uint64_t index)
{
    const uint32_t word =
        index_map_get(&native->sessions[session].words, index);

    if (word != INDEX_LOST)
        return word;
    native->profile->damage.words_unknown++;
    return WORD_LOST;
}

static int
read_readout(struct native *native, struct native_chunk *chunk)
{
    struct cursor *payload = &chunk->payload;
    const uint64_t unit_ns = native->sessions[chunk->session].unit_ns;
    struct readout readout = { .session = chunk->session };

    readout.time_ns = cursor_varint(payload) * unit_ns;
    readout.from_ns = cursor_varint(payload) * unit_ns;
    readout.period = cursor_varint(payload);
    readout.jitter = cursor_varint(payload) & VMP_READOUT_HAS_JITTER;
    if (payload->bad)
        return -EBADMSG;
    native_saw_time(native, chunk->session, readout.time_ns);
    return type_table_readout(&native->types, native->profile, &readout);
}

static int
read_code(struct native *native, const struct native_chunk *chunk,
          struct type_row *row)
{
    const uint32_t *code;

    if (!row->code_id)
        return 0;
    code = native_find_code(native, chunk->session, row->code_id);
    if (!code)
        return -ENOMEM;
    row->site.has_code = true;
    row->site.code = *code;
    return 0;
}

/* Up to the tuples. `opcode_word` is where the file has it. */
static void
read_head(struct cursor *payload, struct type_row *row, uint64_t *opcode_word)
{
    struct type_site *site = &row->site;
    uint32_t bits;

    row->code_id = cursor_varint(payload);
    bits = cursor_varint32(payload);
    site->has_place = bits & VMP_SITE_HAS_PLACE;
    site->offset = site->has_place ? cursor_varint(payload) : 0;
    site->opcode = site->has_place ? cursor_varint32(payload) : 0;
    site->line = bits & VMP_SITE_HAS_LINE ? cursor_varint32(payload) : 0;
    *opcode_word = bits & VMP_SITE_HAS_OPNAME ? cursor_varint(payload) : 0;
    site->hash = bits & VMP_SITE_HAS_HASH ? cursor_varint(payload) : 0;
    site->untyped = cursor_varint(payload);
    site->other = cursor_varint(payload);
    site->bytecodes = cursor_varint(payload);
}

/* The sum of their hits; bad unless all are whole. */
static uint64_t
check_tuples(struct cursor *payload, uint64_t count)
{
    uint64_t sum = 0;

    while (count-- && !payload->bad) {
        uint64_t operands = cursor_varint(payload);
        uint64_t hits;

        if (operands > MAX_OPERANDS)
            payload->bad = true;
        while (!payload->bad && operands--)
            cursor_varint(payload);
        hits = cursor_varint(payload);
        sum = sum > UINT64_MAX - hits ? UINT64_MAX : sum + hits;
    }
    return sum;
}

static int
read_tuple(struct native *native, struct native_chunk *chunk, uint32_t site)
{
    struct cursor *payload = &chunk->payload;
    struct type_tuple tuple = {
        .site = site,
        .count = cursor_varint32(payload),
    };

    for (uint32_t i = 0; i < tuple.count; i++)
        tuple.words[i] =
            find_word(native, chunk->session, cursor_varint(payload));
    tuple.hits = cursor_varint(payload);
    return type_table_tuple(&native->types, native->profile, &tuple);
}

static uint64_t
add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* A row counts only as a whole, so it is looked at twice. */
static int
read_row(struct native *native, struct native_chunk *chunk)
{
    struct type_row row = { .session = chunk->session };
    struct cursor ahead;
    uint64_t opcode_word, tuples, typed;
    int64_t site;
    int result;

    read_head(&chunk->payload, &row, &opcode_word);
    tuples = cursor_varint(&chunk->payload);
    ahead = chunk->payload;
    typed = check_tuples(&ahead, tuples);
    if (ahead.bad)
        return -EBADMSG;
    row.site.bytecodes =
        add_up(row.site.bytecodes,
               add_up(typed, add_up(row.site.untyped, row.site.other)));
    row.site.opcode_name = "";
    if (opcode_word)
        row.site.opcode_name =
            native->profile
                ->words[find_word(native, chunk->session, opcode_word)];
    result = read_code(native, chunk, &row);
    if (result)
        return result;
    site = type_table_row(&native->types, native->profile, &row);
    if (site < 0)
        return -ENOMEM;
    while (tuples-- && !result)
        result = read_tuple(native, chunk, (uint32_t)site);
    return result;
}

int
native_sites_chunk(struct native *native, struct native_chunk *chunk)
{
    int result = read_readout(native, chunk);
    uint64_t count = result ? 0 : cursor_varint(&chunk->payload);

    while (count-- && !result)
        result = read_row(native, chunk);
    if (!result &&
        (chunk->payload.bad || chunk->payload.at != chunk->payload.end))
        result = -EBADMSG;
    return result;
}
