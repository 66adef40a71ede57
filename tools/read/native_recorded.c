/* SPDX-License-Identifier: MIT */

/* RECORDED EVENTS: what a VM told of its language, event by event. */
#include <errno.h>
#include <stdlib.h>

#include "native.h"
#include "store.h"

struct recorded_reader {
    struct native *native;
    struct cursor *payload;
    uint32_t session;
    struct recorded_event event; /* the one before, and then this */
    uint64_t code;               /* its id / 4 */
    uint32_t line;               /* the last that there was */
    uint64_t offset;
};

static struct recorded_totals *
find_totals(struct native *native, uint32_t session)
{
    struct recorded_totals **totals =
        &native->profile->sessions[session].recorded;

    if (!*totals)
        *totals = calloc(1, sizeof(**totals));
    return *totals;
}

/* How many events of a thread there have been. */
static uint64_t *
find_number(struct native *native, uint32_t thread)
{
    while (thread >= native->recorded_capacity) {
        const uint32_t had = native->recorded_capacity;

        if (grow_array((void **)&native->recorded_numbers,
                       &native->recorded_capacity, had,
                       sizeof(*native->recorded_numbers)))
            return NULL;
        for (uint32_t i = had; i < native->recorded_capacity; i++)
            native->recorded_numbers[i] = 0;
    }
    return &native->recorded_numbers[thread];
}

/* Sets `has` and the index of a code by its id / 4. */
static int
take_code(const struct recorded_reader *reader, uint64_t id, bool *has,
          uint32_t *index)
{
    const uint32_t *code;

    *has = id != 0;
    *index = CODE_UNKNOWN;
    if (!id)
        return 0;
    code = native_find_code(reader->native, reader->session, id);
    if (!code)
        return -ENOMEM;
    *index = *code;
    return 0;
}

static uint64_t
take_difference(const struct recorded_reader *reader, uint64_t before)
{
    return before + (uint64_t)vmp_unzigzag(cursor_varint(reader->payload));
}

static int
take_place(struct recorded_reader *reader, unsigned bits)
{
    struct recorded_event *event = &reader->event;

    event->line = 0;
    event->offset = 0;
    if (bits & VMP_RECORDED_HAS_LINE) {
        const uint64_t line = take_difference(reader, reader->line);

        if (line > UINT32_MAX)
            return -EBADMSG;
        event->line = reader->line = (uint32_t)line;
    }
    if (bits & VMP_RECORDED_HAS_OFFSET)
        event->offset = reader->offset =
            take_difference(reader, reader->offset);
    return 0;
}

static int
take_time(struct recorded_reader *reader, uint64_t since)
{
    if (since > UINT64_MAX - reader->event.time_ns)
        return -EBADMSG;
    reader->event.time_ns += since;
    return 0;
}

static int
take_event(struct recorded_reader *reader)
{
    struct recorded_event *event = &reader->event;
    struct cursor *payload = reader->payload;
    const uint64_t head = cursor_varint(payload);
    const unsigned bits = head & ((1 << VMP_RECORDED_KIND_SHIFT) - 1);
    int result = take_time(reader, cursor_varint(payload));
    uint64_t callee = 0;

    if (result || head >> VMP_RECORDED_KIND_SHIFT >= RECORDED_KINDS)
        return -EBADMSG;
    event->kind = (uint32_t)(head >> VMP_RECORDED_KIND_SHIFT);
    if (bits & VMP_RECORDED_HAS_CODE) {
        reader->code = cursor_varint(payload);
        result =
            take_code(reader, reader->code, &event->has_code, &event->code);
    }
    if (!result)
        result = take_place(reader, bits);
    event->target = bits & VMP_RECORDED_HAS_TARGET ? cursor_varint(payload) : 0;
    if (bits & VMP_RECORDED_HAS_CALLEE)
        callee = cursor_varint(payload);
    if (bits & VMP_RECORDED_HAS_MISSING)
        event->missing |= cursor_varint(payload);
    if (payload->bad)
        return -EBADMSG;
    return result
               ? result
               : take_code(reader, callee, &event->has_callee, &event->callee);
}

static int
hand_over(const struct recorded_reader *reader)
{
    const struct read_options *options = &reader->native->options;
    int result;

    if (!options->on_recorded)
        return 0;
    result = options->on_recorded(options->recorded_user,
                                  reader->native->profile, &reader->event);
    if (result)
        reader->native->stopped = result;
    return result ? -ECANCELED : 0;
}

/* `number` is of the event that should come next on the thread. */
static int
take_events(struct recorded_reader *reader, uint64_t count,
            struct recorded_totals *totals, uint64_t *number)
{
    int result = 0;

    while (count-- && !result) {
        result = take_event(reader);
        if (result)
            break;
        reader->event.number = (*number)++;
        totals->counts[reader->event.kind].recorded++;
        reader->native->profile->recorded_count++;
        native_saw_time(reader->native, reader->session, reader->event.time_ns);
        result = hand_over(reader);
        reader->event.missing = 0;
    }
    return result;
}

static int
events_part(struct native *native, struct native_chunk *chunk,
            struct recorded_totals *totals)
{
    struct cursor *payload = &chunk->payload;
    const uint64_t index = cursor_varint(payload);
    const uint64_t first = cursor_varint(payload);
    const uint64_t count = cursor_varint(payload);
    struct recorded_reader reader = {
        .native = native,
        .payload = payload,
        .session = chunk->session,
        .event = { .time_ns = cursor_varint(payload) },
    };
    uint64_t *number;
    int64_t thread;

    if (payload->bad || first > UINT64_MAX - VMP_CHUNK_MAX_PAYLOAD)
        return -EBADMSG;
    thread = native_thread(native, chunk->session, index);
    if (thread < 0)
        return (int)thread;
    number = find_number(native, (uint32_t)thread);
    if (!number)
        return -ENOMEM;
    /* Read already: a file that was joined to itself. */
    if (first < *number)
        return -EBADMSG;
    reader.event.thread = (uint32_t)thread;
    if (first > *number)
        reader.event.missing = UINT64_MAX;
    totals->lost_in_file += first - *number;
    *number = first;
    return take_events(&reader, count, totals, number);
}

/* What is recorded is what the file has. */
static int
totals_part(struct native_chunk *chunk, struct recorded_totals *totals)
{
    struct cursor *payload = &chunk->payload;
    const uint64_t events = cursor_varint(payload);
    const uint64_t period = cursor_varint(payload);
    const uint64_t rate = cursor_varint(payload);

    if (payload->bad)
        return -EBADMSG;
    totals->has_settings = true;
    totals->events = events;
    totals->period = period;
    totals->rate = rate;
    while (cursor_has_more(payload)) {
        const uint64_t kind = cursor_varint(payload);
        struct recorded_counts counts = { 0 };

        cursor_varint(payload);
        counts.left_out = cursor_varint(payload);
        counts.over_rate = cursor_varint(payload);
        counts.no_room = cursor_varint(payload);
        if (payload->bad || kind >= RECORDED_KINDS)
            return -EBADMSG;
        counts.recorded = totals->counts[kind].recorded;
        totals->counts[kind] = counts;
    }
    return 0;
}

int
native_recorded_chunk(struct native *native, struct native_chunk *chunk)
{
    struct recorded_totals *totals = find_totals(native, chunk->session);
    const uint64_t part = cursor_varint(&chunk->payload);
    int result = -EBADMSG;

    if (!totals)
        return -ENOMEM;
    if (part == VMP_RECORDED_EVENTS)
        result = events_part(native, chunk, totals);
    else if (part == VMP_RECORDED_TOTALS)
        result = totals_part(chunk, totals);
    if (!result && chunk->payload.at != chunk->payload.end)
        result = -EBADMSG;
    return result;
}
