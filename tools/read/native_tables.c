/* SPDX-License-Identifier: MIT */

/* The chunks that fill tables, but for those of the call tree. */
#include <errno.h>

#include "native.h"
#include "store.h"

static int
set_text(struct native *native, const char **to, struct bytes bytes)
{
    const char *text = store_text(native->profile, bytes.data, bytes.size);

    if (!text)
        return -ENOMEM;
    *to = text;
    return 0;
}

static int
set_session_text(struct native *native, struct session *session,
                 const struct field *field)
{
    switch (field->key) {
    case VMP_SESSION_VM_NAME:
        return set_text(native, &session->vm_name, field->text);
    case VMP_SESSION_OS:
        return set_text(native, &session->os, field->text);
    case VMP_SESSION_MACHINE:
        return set_text(native, &session->machine, field->text);
    case VMP_SESSION_LIBRARY:
        return set_text(native, &session->library_version, field->text);
    case VMP_SESSION_PROGRAM:
        return set_text(native, &session->program, field->text);
    }
    return 0;
}

static void
set_session_number(struct native *native, uint32_t index,
                   const struct field *field)
{
    struct session *session = &native->profile->sessions[index];

    switch (field->key) {
    case VMP_SESSION_VERSION:
        native->sessions[index].refused = field->number > VMP_FORMAT_VERSION;
        if (native->sessions[index].refused)
            native->newer_format = field->number;
        break;
    case VMP_SESSION_TIME_UNIT:
        native->sessions[index].unit_ns = field->number;
        break;
    case VMP_SESSION_UNIX_NS:
        session->unix_ns = field->number;
        break;
    case VMP_SESSION_MONOTONIC_NS:
        session->monotonic_ns = field->number;
        break;
    case VMP_SESSION_INTERVAL_NS:
        session->interval_ns = field->number;
        break;
    case VMP_SESSION_MODE:
        session->mode = (uint32_t)field->number;
        break;
    case VMP_SESSION_CLOCK:
        session->clock = (uint32_t)field->number;
        break;
    case VMP_SESSION_PID:
        session->pid = field->number;
        break;
    }
}

int
native_session_chunk(struct native *native, struct native_chunk *chunk)
{
    struct session *session = &native->profile->sessions[chunk->session];
    struct field field;

    while (cursor_field(&chunk->payload, &field)) {
        if (set_session_text(native, session, &field))
            return -ENOMEM;
        /* All times would be 0. */
        if (field.key == VMP_SESSION_TIME_UNIT && !field.number)
            return -EBADMSG;
        if (field.key % 2 == 0)
            set_session_number(native, chunk->session, &field);
    }
    if (native->sessions[chunk->session].refused)
        native->profile->damage.chunks_unknown++;
    return chunk->payload.bad ? -EBADMSG : 0;
}

uint32_t *
native_find_code(struct native *native, uint32_t session, uint64_t id)
{
    bool is_new;
    int64_t index;

    if (grow_array((void **)&native->codes, &native->code_capacity,
                   native->code_ids.count, sizeof(*native->codes)))
        return NULL;
    index = vmp_intern(&native->code_ids, session, id, &is_new);
    if (index < 0)
        return NULL;
    if (is_new)
        native->codes[index] = CODE_UNKNOWN;
    return &native->codes[index];
}

static int
read_code(struct native *native, struct native_chunk *chunk)
{
    const uint64_t id = cursor_varint(&chunk->payload);
    const struct bytes name = cursor_string(&chunk->payload);
    uint32_t *code;
    int64_t index;

    if (chunk->payload.bad)
        return -EBADMSG;
    index = store_code(native->profile, id * 4, name.data, name.size);
    code = native_find_code(native, chunk->session, id);
    if (index < 0 || !code)
        return -ENOMEM;
    *code = (uint32_t)index;
    return 0;
}

int
native_codes_chunk(struct native *native, struct native_chunk *chunk)
{
    uint64_t count = cursor_varint(&chunk->payload);
    int result = chunk->payload.bad ? -EBADMSG : 0;

    while (count-- && !result)
        result = read_code(native, chunk);
    return result;
}

int64_t
native_thread(struct native *native, uint32_t session, uint64_t index)
{
    bool is_new;
    const int64_t thread =
        vmp_intern(&native->thread_ids, session, index, &is_new);

    if (thread < 0 || (is_new && store_thread(native->profile, session) < 0))
        return -ENOMEM;
    return thread;
}

void
native_saw_time(struct native *native, uint32_t session, uint64_t time_ns)
{
    uint64_t *end = &native->profile->sessions[session].end_ns;

    if (time_ns > *end)
        *end = time_ns;
}

static void
set_thread_number(struct thread *thread, const struct field *field,
                  uint64_t unit_ns)
{
    switch (field->key) {
    case VMP_THREAD_ID:
        thread->id = field->number;
        break;
    case VMP_THREAD_START:
        thread->start_ns = field->number * unit_ns;
        break;
    case VMP_THREAD_END:
        thread->end_ns = field->number ? (field->number - 1) * unit_ns : 0;
        break;
    case VMP_THREAD_CPU:
        thread->cpu_ns = field->number * unit_ns;
        break;
    }
}

/* The index may stand anywhere among the fields. */
static int64_t
find_described_thread(struct native *native, const struct native_chunk *chunk)
{
    struct cursor payload = chunk->payload;
    struct field field;
    uint64_t index = 0;

    while (cursor_field(&payload, &field))
        if (field.key == VMP_THREAD_INDEX)
            index = field.number;
    if (payload.bad)
        return -EBADMSG;
    return native_thread(native, chunk->session, index);
}

int
native_thread_chunk(struct native *native, struct native_chunk *chunk)
{
    const uint64_t unit_ns = native->sessions[chunk->session].unit_ns;
    const int64_t index = find_described_thread(native, chunk);
    struct thread *thread;
    struct field field;

    if (index < 0)
        return (int)index;
    thread = &native->profile->threads[index];
    *thread = (struct thread){ .session = chunk->session, .name = "" };
    while (cursor_field(&chunk->payload, &field)) {
        if (field.key == VMP_THREAD_NAME &&
            set_text(native, &thread->name, field.text))
            return -ENOMEM;
        set_thread_number(thread, &field, unit_ns);
    }
    native_saw_time(native, chunk->session, thread->end_ns);
    return 0;
}

static uint64_t *
find_counter(struct session_stats *stats, uint64_t key)
{
    switch (key) {
    case VMP_STATS_EXPIRATIONS:
        return &stats->expirations;
    case VMP_STATS_SAMPLES:
        return &stats->samples;
    case VMP_STATS_LOST_RING_FULL:
        return &stats->lost_ring_full;
    case VMP_STATS_LOST_BUSY:
        return &stats->lost_busy;
    case VMP_STATS_LOST_SWITCHING:
        return &stats->lost_switching;
    case VMP_STATS_LOST_WALKER:
        return &stats->lost_walker;
    case VMP_STATS_LOST_OVERRUN:
        return &stats->lost_overrun;
    case VMP_STATS_STACKS_CUT:
        return &stats->stacks_cut;
    case VMP_STATS_FRAMES_CUT:
        return &stats->frames_cut;
    case VMP_STATS_OVERFLOWS:
        return &stats->overflows;
    case VMP_STATS_LOCATIONS_LOST:
        return &stats->locations_lost;
    case VMP_STATS_CLOCK_FAILURES:
        return &stats->clock_failures;
    case VMP_STATS_SAMPLED_NS:
        return &stats->sampled_ns;
    case VMP_STATS_UNWRITTEN:
        return &stats->unwritten;
    case VMP_STATS_POLLED:
        return &stats->polled;
    case VMP_STATS_HELD_BACK:
        return &stats->held_back;
    case VMP_STATS_SYSTEM_TICKS:
        return &stats->system_ticks;
    case VMP_STATS_NATIVE_CUT:
        return &stats->native_cut;
    case VMP_STATS_NATIVE_FAILED:
        return &stats->native_failed;
    case VMP_STATS_CLOCK_RETRIES:
        return &stats->clock_retries;
    }
    return NULL;
}

int
native_stats_chunk(struct native *native, struct native_chunk *chunk)
{
    struct session *session = &native->profile->sessions[chunk->session];
    const uint64_t unit_ns = native->sessions[chunk->session].unit_ns;
    struct session_stats stats = { 0 };
    struct field field;

    while (cursor_field(&chunk->payload, &field)) {
        uint64_t *counter = find_counter(&stats, field.key);
        if (counter)
            *counter = field.number;
        else if (field.key == VMP_STATS_TIME)
            native_saw_time(native, chunk->session, field.number * unit_ns);
    }
    if (chunk->payload.bad)
        return -EBADMSG;
    session->stats = stats;
    session->has_stats = true;
    return 0;
}

int
native_end_chunk(struct native *native, struct native_chunk *chunk)
{
    const uint64_t unit_ns = native->sessions[chunk->session].unit_ns;
    struct field field;

    while (cursor_field(&chunk->payload, &field))
        if (field.key == VMP_END_TIME)
            native_saw_time(native, chunk->session, field.number * unit_ns);
    if (chunk->payload.bad)
        return -EBADMSG;
    native->profile->sessions[chunk->session].ended = true;
    return 0;
}
