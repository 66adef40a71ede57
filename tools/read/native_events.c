/* SPDX-License-Identifier: MIT */

/* EVENTS: which edges a thread took, as it comes. */
#include "native_events.h"

#include <errno.h>
#include <stdlib.h>

#include "store.h"

enum {
    EDGE_MASK = 7,
    EDGE_BITS = 3,
    /* More than a ring has room for between two marks. */
    MOST_WAITING = 1 << 20,
};

struct event_reader {
    struct native *native;
    struct native_event_thread *thread;
    struct cursor *payload;
    uint64_t count;
    uint64_t marks;
    struct mark mark; /* the one that was read last */
};

static struct native_event_thread *
find_thread(struct native *native, uint32_t session, uint32_t thread)
{
    struct native_jit *jit = &native->jit;

    while (thread >= jit->thread_capacity) {
        const uint32_t had = jit->thread_capacity;

        if (grow_array((void **)&jit->threads, &jit->thread_capacity, had,
                       sizeof(struct native_event_thread *)))
            return NULL;
        for (uint32_t i = had; i < jit->thread_capacity; i++)
            jit->threads[i] = NULL;
    }
    if (!jit->threads[thread]) {
        jit->threads[thread] = calloc(1, sizeof(*jit->threads[thread]));
        if (jit->threads[thread]) {
            jit->threads[thread]->session = session;
            jit->threads[thread]->thread = thread;
            jit->threads[thread]->open_id_edge = EDGE_EXIT;
        }
    }
    return jit->threads[thread];
}

static int
put_event(struct event_reader *reader, uint64_t ticks, uint64_t id_edge)
{
    struct native_event_thread *thread = reader->thread;

    if (thread->count == MOST_WAITING) {
        const int result = native_event_flush(reader->native, thread);

        if (result)
            return result;
    }
    if (grow_array((void **)&thread->waiting, &thread->capacity, thread->count,
                   sizeof(*thread->waiting)))
        return -ENOMEM;
    thread->waiting[thread->count++] = (struct raw_event){ ticks, id_edge };
    return 0;
}

/* From the last event that is known on nothing is. */
static int
put_loss(struct event_reader *reader, uint64_t lost, uint64_t number)
{
    struct native_event_thread *thread = reader->thread;
    struct traces *traces = &reader->native->profile->traces;
    const uint64_t missing =
        number > thread->next_number ? number - thread->next_number : 0;
    const uint64_t more = lost > thread->lost ? lost - thread->lost : 0;
    const bool is_first = !thread->has_mark && !thread->count;

    thread->lost = lost;
    if (!more && !missing)
        return 0;
    traces->lost_count = traces->lost_count > UINT64_MAX - more - missing
                             ? UINT64_MAX
                             : traces->lost_count + more + missing;
    if (more > UINT64_MAX >> EDGE_BITS || missing > UINT64_MAX >> EDGE_BITS)
        return -EBADMSG;
    return put_event(reader, is_first ? reader->mark.ticks : thread->last_ticks,
                     (more + missing) << EDGE_BITS | EDGE_LOST);
}

/* Marks stand before the events, which are between and around them. */
static struct mark
read_mark(struct event_reader *reader)
{
    struct mark *mark = &reader->mark;

    mark->ticks += cursor_varint(reader->payload);
    mark->ns += cursor_varint(reader->payload);
    mark->cpu_ns += cursor_varint(reader->payload);
    return *mark;
}

static int
read_events(struct event_reader *reader)
{
    struct cursor *payload = reader->payload;
    struct native_event_thread *thread = reader->thread;
    uint64_t ticks = reader->mark.ticks;
    int result = 0;

    ticks += (uint64_t)vmp_unzigzag(cursor_varint(payload));
    for (uint64_t i = 0; i < reader->count && !result; i++) {
        const uint64_t id_edge = cursor_varint(payload);

        if (i)
            ticks += (uint64_t)vmp_unzigzag(cursor_varint(payload));
        if (payload->bad || (id_edge & EDGE_MASK) > EDGE_RETURN)
            return -EBADMSG;
        thread->next_number++;
        /* A clock that went back did not tell the time, but an order. */
        if (thread->next_number > 1 &&
            (int64_t)(ticks - thread->last_ticks) < 0)
            reader->native->profile->traces.damage.backwards++;
        else
            thread->last_ticks = ticks;
        result = put_event(reader, thread->last_ticks, id_edge);
    }
    return result;
}

/* The marks, once more: events that they come after are timed by them. */
static int
take_marks(struct event_reader *reader, struct cursor marks)
{
    int result = 0;

    reader->payload = &marks;
    for (uint64_t i = 0; i < reader->marks && !result; i++) {
        const struct mark mark = read_mark(reader);

        if (!marks.bad)
            result = native_event_mark(reader->native, reader->thread, &mark);
    }
    return result;
}

static int
skip_marks(struct cursor *payload, uint64_t count)
{
    if (!count)
        return -EBADMSG;
    while (count-- && !payload->bad)
        for (int i = 0; i < 3; i++)
            cursor_varint(payload);
    return payload->bad ? -EBADMSG : 0;
}

static int
read_all(struct event_reader *reader, uint64_t lost, uint64_t number)
{
    struct cursor *payload = reader->payload;
    const uint64_t first_ticks = reader->mark.ticks;
    const struct cursor marks = *payload;
    int result = skip_marks(payload, reader->marks), marked;

    if (!result)
        result = put_loss(reader, lost, number);
    if (result)
        return result;
    reader->thread->next_number = number;
    result = read_events(reader);
    if (result == -ENOMEM || result == -ECANCELED)
        return result;
    reader->mark = (struct mark){ .ticks = first_ticks };
    marked = take_marks(reader, marks);
    if (!result && payload->at != payload->end)
        result = -EBADMSG;
    return marked ? marked : result;
}

int
native_events_chunk(struct native *native, struct native_chunk *chunk)
{
    struct cursor *payload = &chunk->payload;
    const uint64_t index = cursor_varint(payload);
    const uint64_t bits = cursor_varint(payload); /* nobody asks yet */
    const uint64_t lost = cursor_varint(payload);
    const uint64_t number = cursor_varint(payload);
    struct event_reader reader = {
        .native = native,
        .payload = payload,
    };
    int64_t thread;

    reader.count = cursor_varint(payload);
    reader.mark.ticks = cursor_varint(payload);
    reader.marks = cursor_varint(payload);
    thread =
        payload->bad ? -EBADMSG : native_thread(native, chunk->session, index);

    (void)bits;
    if (thread < 0)
        return (int)thread;
    if (native_find_trace(native, chunk->session, 0) < 0)
        return -ENOMEM;
    reader.thread = find_thread(native, chunk->session, (uint32_t)thread);
    if (!reader.thread)
        return -ENOMEM;
    /* Read already: a file that was joined to itself. */
    if (number < reader.thread->next_number)
        return -EBADMSG;
    return read_all(&reader, lost, number);
}

int
native_events_finish(struct native *native)
{
    struct native_jit *jit = &native->jit;
    int result = 0;

    for (uint32_t i = 0; i < jit->thread_capacity && !result; i++)
        if (jit->threads[i])
            result = native_event_end(native, jit->threads[i]);
    return result;
}
