/* SPDX-License-Identifier: MIT */

/* Chunks WORDS, SITES, RECORDED EVENTS, EVENT COUNTS, LINES and CALLS. */

#include "portable.h"

#include <stdio.h>
#include <string.h>

#include "format/layers.h"
#include "format/recorded.h"
#include "format/sites.h"

enum {
    TYPES = 30,
    SITES = 300,
    BLOCKS = 3, /* of events */
    ROWS = 300,
};

static int64_t
draw_word(struct vmp_encoder *encoder, enum vmp_word_kind kind)
{
    const uint64_t id = draw() % TYPES;
    char text[32];

    snprintf(text, sizeof(text), "word %u", (unsigned)id);
    return vmp_encoder_word(encoder, kind, id << 32, text);
}

static int
draw_tuple(struct vmp_encoder *encoder, struct vmp_tuple_info *tuple)
{
    tuple->hits = draw_width(50);
    tuple->count = (uint32_t)(draw() % (VMP_OPERANDS_MAX + 1));
    for (uint32_t i = 0; i < tuple->count; i++) {
        const int64_t word = draw_word(encoder, VMP_WORD_TYPE);

        if (word < 0)
            return (int)word;
        tuple->words[i] = (uint32_t)word;
    }
    return 0;
}

static int
write_site(struct vmp_encoder *encoder)
{
    struct vmp_tuple_info tuples[3] = { 0 };
    struct vmp_site_info site = { .has_place = true, .tuples = tuples };
    const int64_t word = draw_word(encoder, VMP_WORD_OPCODE);
    char name[1024];
    int r = word < 0 ? (int)word : 0;

    site.code = draw_code();
    name_of(NULL, site.code, name);
    site.name = name;
    site.offset = draw_width(64);
    site.opcode = (uint32_t)draw_width(32);
    site.opname = (uint32_t)word;
    site.line = (uint32_t)draw_width(32);
    site.hash = draw_width(64);
    site.untyped = draw_width(50);
    site.other = draw_width(50);
    site.bytecodes = draw_width(60) + site.untyped + site.other;
    site.tuple_count = (uint32_t)(draw() % 4);
    for (uint32_t i = 0; i < site.tuple_count && r == 0; i++) {
        r = draw_tuple(encoder, &tuples[i]);
        site.bytecodes += tuples[i].hits;
    }
    return r == 0 ? vmp_encoder_site(encoder, &site) : r;
}

static int
write_sites(struct vmp_encoder *encoder)
{
    struct vmp_readout readout = { .jitter = true };
    int r = 0;

    readout.from_ns = draw_width(50);
    readout.time_ns = readout.from_ns + draw_width(50);
    readout.period = 1 + draw_width(64) / 2;
    vmp_encoder_begin_sites(encoder, &readout);
    for (unsigned i = 0; i < SITES && r == 0; i++)
        r = write_site(encoder);
    return r == 0 ? vmp_encoder_finish_sites(encoder) : r;
}

static struct vmp_recorded_event
draw_event(void)
{
    struct vmp_recorded_event event = { 0 };

    event.kind = (uint32_t)(draw() % VMP_RECORDED_KINDS);
    event.code = draw_code();
    event.line = (uint32_t)draw_width(32);
    event.offset = draw_width(64);
    event.target = draw_width(64);
    event.callee = draw_code();
    event.missing = draw_width(64);
    return event;
}

static int
write_block(struct vmp_encoder *encoder, unsigned number, uint64_t *time_ns)
{
    struct vmp_recorded_event events[VMP_RECORDED_MOST];
    const struct vmp_recorded_block block = {
        .thread = 1,
        .first = (uint64_t)number * VMP_RECORDED_MOST,
        .events = events,
        .count = VMP_RECORDED_MOST,
    };

    for (size_t i = 0; i < block.count; i++) {
        events[i] = draw_event();
        *time_ns += draw_width(40);
        events[i].time_ns = *time_ns;
    }
    return vmp_encoder_recorded(encoder, &block);
}

static int
write_totals(struct vmp_encoder *encoder)
{
    struct vmp_recorded_counts counts[VMP_RECORDED_KINDS];
    struct vmp_recorded_totals totals = { .counts = counts };

    totals.events = draw_width(64);
    totals.period = draw_width(64);
    totals.rate = draw_width(64);
    for (size_t i = 0; i < VMP_RECORDED_KINDS; i++) {
        counts[i].recorded = draw_width(64);
        counts[i].left_out = draw_width(64);
        counts[i].over_rate = draw_width(64);
        counts[i].no_room = draw_width(64);
    }
    return vmp_encoder_recorded_totals(encoder, &totals);
}

static struct vmp_layer_row
draw_row(const struct vmp_rows_kind *kind)
{
    struct vmp_layer_row row = { 0 };

    row.a = draw_code();
    if (kind == &vmp_rows_event_counts)
        row.b = draw() % VMP_RECORDED_KINDS;
    else if (kind == &vmp_rows_lines)
        row.b = 1 + draw_width(31);
    else
        row.b = draw_code();
    if (kind == &vmp_rows_calls && draw() % 4 == 0)
        row.a = UINT64_MAX;
    for (size_t i = 0; i < sizeof(row.values) / sizeof(*row.values); i++)
        row.values[i] = 1 + draw_width(50);
    return row;
}

static int
write_rows(struct vmp_encoder *encoder, const struct vmp_rows_kind *kind)
{
    uint64_t losses[VMP_ROWS_LOSSES];
    int r = 0;

    for (size_t i = 0; i < VMP_ROWS_LOSSES; i++)
        losses[i] = draw_width(50);
    vmp_encoder_begin_rows(encoder, kind, draw_width(50), losses);
    for (unsigned i = 0; i < ROWS && r == 0; i++) {
        const struct vmp_layer_row row = draw_row(kind);

        r = vmp_encoder_row(encoder, &row);
    }
    return r == 0 ? vmp_encoder_finish_rows(encoder) : r;
}

int
write_language(struct vmp_encoder *encoder)
{
    uint64_t time_ns = 0;
    int r = write_sites(encoder);

    for (unsigned i = 0; i < BLOCKS && r == 0; i++)
        r = write_block(encoder, i, &time_ns);
    if (r == 0)
        r = write_totals(encoder);
    if (r == 0)
        r = write_rows(encoder, &vmp_rows_event_counts);
    if (r == 0)
        r = write_rows(encoder, &vmp_rows_lines);
    return r == 0 ? write_rows(encoder, &vmp_rows_calls) : r;
}
