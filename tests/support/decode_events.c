/* SPDX-License-Identifier: MIT */

/* Chunk EVENTS. */

#include "decode_parts.h"

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

void
decode_events(struct decode_cursor *c)
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
            since = decode_zigzag(c);
        word = decode_varint(c);
        if (i)
            since += decode_zigzag(c);
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
