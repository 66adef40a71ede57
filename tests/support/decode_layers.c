/* SPDX-License-Identifier: MIT */

/* Chunks EVENT COUNTS, LINES and CALLS. */

#include "decode_parts.h"

static uint64_t
code(struct decode_cursor *c, uint64_t number)
{
    decode_need(c, !number || decoded_name(c->decoded, number * 4),
                "an undefined code");
    return number * 4;
}

static void
read_count(struct decode_cursor *c, struct decoded_gathered *row)
{
    row->a = code(c, decode_varint(c));
    row->b = decode_varint(c);
    row->values[0] = decode_varint(c);
    decode_need(c, row->b < 64, "an event of no kind");
    decode_need(c, row->values[0], "a count of nothing");
}

static void
read_line(struct decode_cursor *c, struct decoded_gathered *row)
{
    uint64_t line;

    row->a = code(c, decode_varint(c));
    line = decode_varint(c);
    row->b = line >> 1;
    row->values[0] = line & 1;
    decode_need(c, row->b && row->b <= UINT32_MAX, "a line of no number");
}

static void
read_call(struct decode_cursor *c, struct decoded_gathered *row)
{
    const uint64_t caller = decode_varint(c);

    row->a = caller ? code(c, caller - 1) : UINT64_MAX;
    row->b = code(c, decode_varint(c));
    for (unsigned i = 0; i < 4; i++)
        row->values[i] = decode_varint(c);
}

static void
read_rows(struct decode_cursor *c, uint64_t type, unsigned losses,
          void (*read_row)(struct decode_cursor *, struct decoded_gathered *))
{
    struct decoded *const d = c->decoded;
    struct decoded_gathered row = { .type = type, .time = decode_varint(c) };

    for (unsigned i = 0; i < losses; i++)
        d->losses[type][i] += decode_varint(c);
    for (uint64_t left = decode_varint(c); left && !c->bad; left--) {
        read_row(c, &row);
        d->gathered =
            decode_grow(d->gathered, d->gathered_count, sizeof(*d->gathered));
        d->gathered[d->gathered_count++] = row;
    }
}

void
decode_event_counts(struct decode_cursor *c)
{
    read_rows(c, 17, 1, read_count);
}

void
decode_lines(struct decode_cursor *c)
{
    read_rows(c, 18, 1, read_line);
}

void
decode_calls(struct decode_cursor *c)
{
    read_rows(c, 19, 3, read_call);
}
