/* SPDX-License-Identifier: MIT */

/* Chunk RECORDED EVENTS. */

#include "decode_parts.h"

enum {
    EVENTS = 1,
    TOTALS = 2,
};

static void
need_code(struct decode_cursor *c, uint64_t id)
{
    decode_need(c, !id || decoded_name(c->decoded, id),
                "a recorded event with a code without a name");
}

/* `event` is the one before, whose line and offset are the last there were. */
static void
read_event(struct decode_cursor *c, struct decoded_recorded *event,
           struct decoded_recorded *out)
{
    const uint64_t head = decode_varint(c);

    event->kind = (uint32_t)(head >> 6);
    decode_need(c, head >> 6 < 64, "an unknown kind of event");
    event->time_ns += decode_varint(c);
    if (head & 1)
        event->code = decode_varint(c) * 4;
    if (head & 2)
        event->line += (uint64_t)decode_zigzag(c);
    if (head & 4)
        event->offset += (uint64_t)decode_zigzag(c);
    *out = *event;
    out->line = head & 2 ? event->line : 0;
    out->offset = head & 4 ? event->offset : 0;
    out->target = head & 8 ? decode_varint(c) : 0;
    out->callee = head & 16 ? decode_varint(c) * 4 : 0;
    out->missing = head & 32 ? decode_varint(c) : 0;
    decode_need(c, out->line <= UINT32_MAX, "a line out of range");
    /* What would say nothing is not written. */
    decode_need(c,
                (!(head & 2) || out->line) && (!(head & 4) || out->offset) &&
                    (!(head & 8) || out->target) &&
                    (!(head & 16) || out->callee) &&
                    (!(head & 32) || out->missing),
                "a member of a recorded event that is there and 0");
    need_code(c, out->code);
    need_code(c, out->callee);
}

static uint64_t
count_on(const struct decoded *d, uint32_t thread)
{
    for (size_t i = d->recorded_count; i > 0; i--)
        if (d->recorded[i - 1].thread == thread)
            return d->recorded[i - 1].number + 1;
    return 0;
}

static void
read_events(struct decode_cursor *c)
{
    struct decoded *const d = c->decoded;
    struct decoded_recorded event = { .thread = (uint32_t)decode_varint(c) },
                            whole;
    uint64_t left;

    event.number = decode_varint(c);
    left = decode_varint(c);
    event.time_ns = decode_varint(c);
    decode_need(c, event.thread < d->thread_count,
                "recorded events of an unknown thread");
    decode_need(c, event.number == count_on(d, event.thread),
                "recorded events that are not the next ones");
    decode_need(c, left > 0, "no recorded events");
    for (; left && !c->bad; left--, event.number++) {
        read_event(c, &event, &whole);
        if (c->bad)
            return;
        d->recorded =
            decode_grow(d->recorded, d->recorded_count, sizeof(*d->recorded));
        d->recorded[d->recorded_count++] = whole;
    }
}

static void
read_totals(struct decode_cursor *c)
{
    struct decoded_recorded_totals *const totals = &c->decoded->recorded_totals;
    uint64_t last = 0;

    totals->told++;
    totals->events = decode_varint(c);
    totals->period = decode_varint(c);
    totals->rate = decode_varint(c);
    while (c->at < c->end && !c->bad) {
        const uint64_t kind = decode_varint(c);

        decode_need(c, kind < 64 && kind >= last, "kinds that do not ascend");
        for (int i = 0; i < 4 && !c->bad; i++) {
            const uint64_t count = decode_varint(c);

            decode_need(c, count >= totals->counts[kind][i],
                        "a count that fell");
            if (!c->bad)
                totals->counts[kind][i] = count;
        }
        last = kind + 1;
    }
}

void
decode_recorded(struct decode_cursor *c)
{
    const uint64_t part = decode_varint(c);

    if (part == EVENTS)
        read_events(c);
    else if (part == TOTALS)
        read_totals(c);
    else
        decode_need(c, false, "an unknown part of recorded events");
}
