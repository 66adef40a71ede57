/* SPDX-License-Identifier: MIT */

#include "recorded.h"

#include <assert.h>

#include "encoder_state.h"

enum {
    HEAD_SIZE = 6 * VMP_VARINT_MAX,
    EVENT_SIZE = 8 * VMP_VARINT_MAX,
    COUNTS_SIZE = 5 * VMP_VARINT_MAX,
};

static_assert(HEAD_SIZE + VMP_RECORDED_MOST * EVENT_SIZE <=
                  VMP_CHUNK_MAX_PAYLOAD,
              "a chunk holds them");
static_assert(HEAD_SIZE + VMP_RECORDED_KINDS * COUNTS_SIZE <=
                  VMP_CHUNK_MAX_PAYLOAD,
              "and all counts");

static int
define_codes(struct vmp_encoder *encoder,
             const struct vmp_recorded_block *block)
{
    int r = 0;

    for (size_t i = 0; i < block->count; i++) {
        const int code =
            vmp_encoder_define_code(encoder, block->events[i].code);
        const int callee =
            vmp_encoder_define_code(encoder, block->events[i].callee);

        if (code < 0 || callee < 0)
            r = code < 0 ? code : callee;
    }
    return r;
}

static unsigned
bits_of(const struct vmp_recorded_event *event,
        const struct vmp_recorded_event *last)
{
    return (event->code != last->code ? VMP_RECORDED_HAS_CODE : 0) |
           (event->line ? VMP_RECORDED_HAS_LINE : 0) |
           (event->offset ? VMP_RECORDED_HAS_OFFSET : 0) |
           (event->target ? VMP_RECORDED_HAS_TARGET : 0) |
           (event->callee ? VMP_RECORDED_HAS_CALLEE : 0) |
           (event->missing ? VMP_RECORDED_HAS_MISSING : 0);
}

static uint64_t
difference(uint64_t now, uint64_t before)
{
    return vmp_zigzag((int64_t)(now - before));
}

/* `last` has of each member what was written last. */
static void
put_event(struct vmp_chunk *chunk, const struct vmp_recorded_event *event,
          struct vmp_recorded_event *last)
{
    const unsigned bits = bits_of(event, last);

    vmp_chunk_varint(chunk, event->kind << VMP_RECORDED_KIND_SHIFT | bits);
    vmp_chunk_varint(chunk, event->time_ns - last->time_ns);
    if (bits & VMP_RECORDED_HAS_CODE)
        vmp_chunk_varint(chunk, event->code / 4);
    if (bits & VMP_RECORDED_HAS_LINE)
        vmp_chunk_varint(chunk, difference(event->line, last->line));
    if (bits & VMP_RECORDED_HAS_OFFSET)
        vmp_chunk_varint(chunk, difference(event->offset, last->offset));
    if (bits & VMP_RECORDED_HAS_TARGET)
        vmp_chunk_varint(chunk, event->target);
    if (bits & VMP_RECORDED_HAS_CALLEE)
        vmp_chunk_varint(chunk, event->callee / 4);
    if (bits & VMP_RECORDED_HAS_MISSING)
        vmp_chunk_varint(chunk, event->missing);
    last->time_ns = event->time_ns;
    last->code = event->code;
    if (event->line)
        last->line = event->line;
    if (event->offset)
        last->offset = event->offset;
}

int
vmp_encoder_recorded(struct vmp_encoder *encoder,
                     const struct vmp_recorded_block *block)
{
    struct vmp_chunk *const chunk = &encoder->chunk;
    struct vmp_recorded_event last = { 0 };
    int defined, sent;

    assert(block->count <= VMP_RECORDED_MOST);
    if (!block->count)
        return 0;
    defined = define_codes(encoder, block);
    sent = vmp_encoder_send_definitions(encoder);
    last.time_ns = block->events[0].time_ns;
    vmp_chunk_varint(chunk, VMP_RECORDED_EVENTS);
    vmp_chunk_varint(chunk, block->thread);
    vmp_chunk_varint(chunk, block->first);
    vmp_chunk_varint(chunk, block->count);
    vmp_chunk_varint(chunk, last.time_ns > block->start_ns
                                ? last.time_ns - block->start_ns
                                : 0);
    for (size_t i = 0; i < block->count; i++)
        put_event(chunk, &block->events[i], &last);
    if (sent < 0)
        defined = sent;
    sent = encoder->encoding->chunk(encoder, VMP_CHUNK_RECORDED);
    return sent < 0 ? sent : defined;
}

int
vmp_encoder_recorded_totals(struct vmp_encoder *encoder,
                            const struct vmp_recorded_totals *totals)
{
    struct vmp_chunk *const chunk = &encoder->chunk;

    vmp_chunk_varint(chunk, VMP_RECORDED_TOTALS);
    vmp_chunk_varint(chunk, totals->events);
    vmp_chunk_varint(chunk, totals->period);
    vmp_chunk_varint(chunk, totals->rate);
    for (unsigned kind = 0; kind < VMP_RECORDED_KINDS; kind++) {
        const struct vmp_recorded_counts *const counts = &totals->counts[kind];

        if (!(counts->recorded | counts->left_out | counts->over_rate |
              counts->no_room))
            continue;
        vmp_chunk_varint(chunk, kind);
        vmp_chunk_varint(chunk, counts->recorded);
        vmp_chunk_varint(chunk, counts->left_out);
        vmp_chunk_varint(chunk, counts->over_rate);
        vmp_chunk_varint(chunk, counts->no_room);
    }
    return encoder->encoding->chunk(encoder, VMP_CHUNK_RECORDED);
}
