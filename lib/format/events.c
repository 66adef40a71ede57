/* SPDX-License-Identifier: MIT */

#include "events.h"

#include <assert.h>

#include "encoder_state.h"

enum {
    HEAD_SIZE = 8 * VMP_VARINT_MAX,
    MARK_SIZE = 3 * VMP_VARINT_MAX,
    EVENT_SIZE = 4 + VMP_VARINT_MAX, /* 27 bits, and any difference */
};

static_assert(HEAD_SIZE + VMP_MARKS_MOST * MARK_SIZE +
                      VMP_EVENTS_MOST * EVENT_SIZE <=
                  VMP_CHUNK_MAX_PAYLOAD,
              "a chunk holds them");

static void
put_marks(struct vmp_chunk *chunk, const struct vmp_mark *marks, size_t count)
{
    struct vmp_mark last = { .ticks = marks[0].ticks };

    vmp_chunk_varint(chunk, marks[0].ticks);
    vmp_chunk_varint(chunk, count);
    for (size_t i = 0; i < count; i++) {
        vmp_chunk_varint(chunk, marks[i].ticks - last.ticks);
        vmp_chunk_varint(chunk, marks[i].ns - last.ns);
        vmp_chunk_varint(chunk, marks[i].cpu_ns - last.cpu_ns);
        last = marks[i];
    }
}

int
vmp_encoder_events(struct vmp_encoder *encoder, const struct vmp_events *events)
{
    struct vmp_chunk *const chunk = &encoder->chunk;
    uint64_t ticks = events->marks[0].ticks;

    assert(events->mark_count >= 1 && events->mark_count <= VMP_MARKS_MOST &&
           events->event_count <= VMP_EVENTS_MOST);
    if (!events->event_count)
        return 0;
    vmp_chunk_varint(chunk, events->thread);
    vmp_chunk_varint(chunk, events->bits);
    vmp_chunk_varint(chunk, events->lost);
    vmp_chunk_varint(chunk, events->first);
    vmp_chunk_varint(chunk, events->event_count);
    put_marks(chunk, events->marks, events->mark_count);
    vmp_chunk_varint(chunk,
                     vmp_zigzag((int64_t)(events->events[0].ticks - ticks)));
    ticks = events->events[0].ticks;
    for (size_t i = 0; i < events->event_count; i++) {
        const struct vmp_event *const event = &events->events[i];

        vmp_chunk_varint(chunk, event->word);
        if (i)
            vmp_chunk_varint(chunk,
                             vmp_zigzag((int64_t)(event->ticks - ticks)));
        ticks = event->ticks;
    }
    return encoder->encoding->chunk(encoder, VMP_CHUNK_EVENTS);
}
