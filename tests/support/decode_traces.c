/* SPDX-License-Identifier: MIT */

/* Chunks TRACES and COUNTS. */

#include "decode_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_IDS = 1 << 24,
};

struct decoded_trace *
decoded_trace(const struct decoded *d, uint64_t id)
{
    for (size_t i = 0; i < d->trace_count; i++)
        if (d->traces[i].id == id)
            return &d->traces[i];
    return NULL;
}

uint64_t
decoded_count(const struct decoded *d, uint64_t id)
{
    uint64_t count = 0;

    for (size_t i = 0; i < d->count_count; i++)
        if (d->counts[i].id == id)
            count = d->counts[i].count;
    return count;
}

/* The trace or the guard's trace. */
static bool
is_known(const struct decoded *d, uint64_t id)
{
    for (size_t i = 0; i < d->trace_count; i++) {
        const struct decoded_trace *const t = &d->traces[i];

        if (t->id == id || (id > t->id && id - t->id <= t->fields.number[28]))
            return true;
    }
    return false;
}

static void
read_head(struct decode_cursor *c, uint64_t id)
{
    struct decoded *const d = c->decoded;
    struct decoded_trace *trace = decoded_trace(d, id);

    if (!trace) {
        d->traces = decode_grow(d->traces, d->trace_count, sizeof(*trace));
        trace = &d->traces[d->trace_count++];
        memset(trace, 0, sizeof(*trace));
        trace->id = id;
    }
    trace->told++;
    decode_fields(c, &trace->fields);
    decode_need(c,
                !trace->fields.number[6] ||
                    decoded_name(d, trace->fields.number[6] * 4),
                "a trace of an undefined code");
    decode_need(c, trace->fields.number[2] <= 5,
                "a kind of trace that is none");
    decode_need(c,
                !trace->fields.number[28] || trace->fields.number[26] == id + 1,
                "guards that do not follow their trace");
}

/* A row of one of the lists, with the numbers of its columns and a text. */
static void
read_row(struct decode_cursor *c, struct decoded_list *list, uint64_t number,
         unsigned columns, bool has_text)
{
    struct decoded_row *row;

    decode_need(c, number <= list->count, "a list with a gap");
    if (c->bad)
        return;
    if (number == list->count)
        list->rows = decode_grow(list->rows, list->count++, sizeof(*row));
    row = &list->rows[number];
    memset(row, 0, sizeof(*row));
    for (unsigned i = 0; i < columns; i++)
        row->columns[i] = decode_varint(c);
    if (has_text)
        row->text = decode_string(c);
}

static void
clear(struct decoded_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->rows[i].text);
    free(list->rows);
    memset(list, 0, sizeof(*list));
}

static void
read_list(struct decode_cursor *c, struct decoded_list *list, unsigned columns,
          bool has_text)
{
    const uint64_t first = decode_varint(c), count = decode_varint(c);

    if (first == 0)
        clear(list);
    for (uint64_t i = first; i - first < count && !c->bad; i++)
        read_row(c, list, i, columns, has_text);
}

static void
read_code(struct decode_cursor *c, struct decoded_trace *trace)
{
    const uint64_t offset = decode_varint(c);
    const size_t size = (size_t)(c->end - c->at);

    if (offset == 0)
        trace->code_size = 0;
    decode_need(c, offset == trace->code_size, "machine code with a gap");
    if (c->bad)
        return;
    trace->code = realloc(trace->code, trace->code_size + size + 1);
    memcpy(trace->code + trace->code_size, c->at, size);
    trace->code_size += size;
    c->at = c->end;
}

static void
read_entry(struct decode_cursor *c, uint64_t type)
{
    const uint64_t id = decode_varint(c);
    struct decoded_trace *trace;

    decode_need(c, id && id < MOST_IDS, "an id that is none");
    if (type == 1) {
        read_head(c, id);
        return;
    }
    trace = decoded_trace(c->decoded, id);
    decode_need(c, trace != NULL, "an entry of an undefined trace");
    if (c->bad)
        return;
    if (type == 2)
        read_list(c, &trace->guards, 3, true);
    else if (type == 3)
        read_list(c, &trace->places, 4, false);
    else if (type == 4)
        read_list(c, &trace->positions, 2, false);
    else if (type == 5)
        read_list(c, &trace->operations, 3, true);
    else if (type == 6)
        read_code(c, trace);
    else
        decode_need(c, false, "an unknown entry");
}

void
decode_traces(struct decode_cursor *c)
{
    while (c->at < c->end && !c->bad) {
        const uint64_t type = decode_varint(c), size = decode_varint(c);
        struct decode_cursor entry = *c;

        decode_need(c, size <= (uint64_t)(c->end - c->at),
                    "an entry is cut off");
        if (c->bad)
            return;
        entry.end = c->at = c->at + size;
        read_entry(&entry, type);
        decode_need(&entry, entry.at == entry.end,
                    "an entry does not end with its contents");
        c->bad = entry.bad;
    }
}

void
decode_counts(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    const uint64_t time = decode_varint(c);
    uint64_t id = 0;

    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        struct decoded_count count = { .time = time };

        count.id = id += decode_varint(c);
        count.count = decode_varint(c);
        decode_need(c, is_known(d, id), "a count of an undefined trace");
        d->counts = decode_grow(d->counts, d->count_count, sizeof(count));
        d->counts[d->count_count++] = count;
    }
}

void
decoded_free_traces(struct decoded *d)
{
    for (size_t i = 0; i < d->trace_count; i++) {
        struct decoded_trace *const trace = &d->traces[i];

        decode_free_fields(&trace->fields);
        clear(&trace->guards);
        clear(&trace->places);
        clear(&trace->positions);
        clear(&trace->operations);
        free(trace->code);
    }
    free(d->traces);
    free(d->counts);
}
