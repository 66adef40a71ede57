/* SPDX-License-Identifier: MIT */

/* EVENT COUNTS, LINES and CALLS: what layers gathered. */
#include <errno.h>
#include <stdlib.h>

#include "native.h"
#include "store.h"

enum {
    EVENT_KINDS = 64,
};

static uint64_t
add_up(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The profile's index of a code, or -ENOMEM. */
static int64_t
find_code(struct native *native, uint32_t session, uint64_t id)
{
    const uint32_t *code = id ? native_find_code(native, session, id) : NULL;

    if (id && !code)
        return -ENOMEM;
    return code ? *code : CODE_UNKNOWN;
}

/* The place of a row in its array, which is grown for a new one. */
static int64_t
find_row(struct native_rows *rows, uint64_t a, uint64_t b, void **array,
         uint32_t *count, size_t size, bool *is_new)
{
    const int64_t index = vmp_intern(&rows->index, a, b, is_new);

    if (index >= 0 && *is_new &&
        grow_array(array, &rows->capacity, *count, size))
        return -ENOMEM;
    *count += index >= 0 && *is_new;
    return index < 0 ? -ENOMEM : index;
}

static int
take_count(struct native *native, struct native_chunk *chunk)
{
    struct gathered *gathered = &native->profile->gathered;
    const uint64_t id = cursor_varint(&chunk->payload);
    const uint64_t kind = cursor_varint(&chunk->payload);
    const uint64_t often = cursor_varint(&chunk->payload);
    int64_t code, row;
    bool is_new;

    if (chunk->payload.bad || kind >= EVENT_KINDS)
        return -EBADMSG;
    code = find_code(native, chunk->session, id);
    row = code < 0
              ? code
              : find_row(&native->count_rows, (uint64_t)code, kind,
                         (void **)&gathered->counts, &gathered->count_count,
                         sizeof(*gathered->counts), &is_new);
    if (row < 0)
        return -ENOMEM;
    if (is_new)
        gathered->counts[row] =
            (struct event_count){ (uint32_t)code, (uint32_t)kind, 0 };
    gathered->counts[row].count = add_up(gathered->counts[row].count, often);
    return 0;
}

static int
take_line(struct native *native, struct native_chunk *chunk)
{
    struct gathered *gathered = &native->profile->gathered;
    const uint64_t id = cursor_varint(&chunk->payload);
    const uint64_t line = cursor_varint(&chunk->payload);
    int64_t code, row;
    bool is_new;

    if (chunk->payload.bad || !(line >> 1) || line >> 1 > UINT32_MAX)
        return -EBADMSG;
    code = find_code(native, chunk->session, id);
    row = code < 0 ? code
                   : find_row(&native->line_rows, (uint64_t)code, line >> 1,
                              (void **)&gathered->lines, &gathered->line_count,
                              sizeof(*gathered->lines), &is_new);
    if (row < 0)
        return -ENOMEM;
    if (is_new)
        gathered->lines[row] =
            (struct covered_line){ (uint32_t)code, (uint32_t)(line >> 1),
                                   false };
    gathered->lines[row].has_run = gathered->lines[row].has_run || line & 1;
    return 0;
}

static int
add_call(struct native *native, const struct call_edge *from)
{
    struct gathered *gathered = &native->profile->gathered;
    struct call_edge *to;
    bool is_new;
    const int64_t row =
        find_row(&native->call_rows, from->caller, from->callee,
                 (void **)&gathered->calls, &gathered->call_count,
                 sizeof(*gathered->calls), &is_new);

    if (row < 0)
        return -ENOMEM;
    to = &gathered->calls[row];
    if (is_new)
        *to = (struct call_edge){ .caller = from->caller,
                                  .callee = from->callee };
    to->calls = add_up(to->calls, from->calls);
    to->resumes = add_up(to->resumes, from->resumes);
    to->self_ns = add_up(to->self_ns, from->self_ns);
    to->inclusive_ns = add_up(to->inclusive_ns, from->inclusive_ns);
    return 0;
}

static int
take_call(struct native *native, struct native_chunk *chunk)
{
    const uint64_t caller_id = cursor_varint(&chunk->payload);
    const uint64_t callee_id = cursor_varint(&chunk->payload);
    struct call_edge call = {
        .calls = cursor_varint(&chunk->payload),
        .resumes = cursor_varint(&chunk->payload),
        .self_ns = cursor_varint(&chunk->payload),
        .inclusive_ns = cursor_varint(&chunk->payload),
    };
    int64_t caller = CALLER_ANY, callee;

    if (chunk->payload.bad)
        return -EBADMSG;
    if (caller_id)
        caller = find_code(native, chunk->session, caller_id - 1);
    callee = find_code(native, chunk->session, callee_id);
    if (caller < 0 || callee < 0)
        return -ENOMEM;
    call.caller = (uint32_t)caller;
    call.callee = (uint32_t)callee;
    return add_call(native, &call);
}

/* What each of these chunks begins with: its time, and losses. */
static int
take_head(struct native *native, struct native_chunk *chunk,
          uint64_t *const losses[], unsigned count)
{
    const uint64_t time = cursor_varint(&chunk->payload);
    uint64_t lost[3] = { 0 };

    for (unsigned i = 0; i < count; i++)
        lost[i] = cursor_varint(&chunk->payload);
    if (chunk->payload.bad)
        return -EBADMSG;
    for (unsigned i = 0; i < count; i++)
        *losses[i] = add_up(*losses[i], lost[i]);
    native_saw_time(native, chunk->session,
                    time * native->sessions[chunk->session].unit_ns);
    return 0;
}

static int
take_rows(struct native *native, struct native_chunk *chunk,
          int (*take)(struct native *native, struct native_chunk *chunk))
{
    uint64_t count = cursor_varint(&chunk->payload);
    int result = chunk->payload.bad ? -EBADMSG : 0;

    while (count-- && !result)
        result = take(native, chunk);
    if (!result && chunk->payload.at != chunk->payload.end)
        result = -EBADMSG;
    return result;
}

int
native_event_counts_chunk(struct native *native, struct native_chunk *chunk)
{
    struct gathered *gathered = &native->profile->gathered;
    uint64_t *const losses[] = { &gathered->lost_events };
    const int result = take_head(native, chunk, losses, 1);

    gathered->has_counts = gathered->has_counts || !result;
    return result ? result : take_rows(native, chunk, take_count);
}

int
native_lines_chunk(struct native *native, struct native_chunk *chunk)
{
    struct gathered *gathered = &native->profile->gathered;
    uint64_t *const losses[] = { &gathered->lost_lines };
    const int result = take_head(native, chunk, losses, 1);

    gathered->has_lines = gathered->has_lines || !result;
    return result ? result : take_rows(native, chunk, take_line);
}

int
native_calls_chunk(struct native *native, struct native_chunk *chunk)
{
    struct gathered *gathered = &native->profile->gathered;
    uint64_t *const losses[] = { &gathered->lost_calls, &gathered->unmatched,
                                 &gathered->abandoned };
    const int result = take_head(native, chunk, losses, 3);

    gathered->has_calls = gathered->has_calls || !result;
    return result ? result : take_rows(native, chunk, take_call);
}

void
native_layers_free(struct native *native)
{
    vmp_intern_free(&native->count_rows.index);
    vmp_intern_free(&native->line_rows.index);
    vmp_intern_free(&native->call_rows.index);
}
