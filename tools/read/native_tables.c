/* SPDX-License-Identifier: MIT */

/* The chunks that fill tables: all but SAMPLES. */
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

/* Where the profile's index of a session's code is kept. */
static uint32_t *
find_code(struct native *native, uint32_t session, uint64_t id)
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
    code = find_code(native, chunk->session, id);
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

static int
read_frame(struct native *native, struct native_chunk *chunk)
{
    struct cursor *payload = &chunk->payload;
    const uint64_t id = cursor_varint(payload);
    const uint64_t bits = cursor_varint(payload);
    const uint32_t *code;
    struct frame frame = { .kind = bits & VMP_FRAME_KIND_MASK };
    int64_t index;

    if (bits & VMP_FRAME_HAS_LINE)
        frame.line = cursor_varint32(payload);
    frame.has_offset = bits & VMP_FRAME_HAS_OFFSET;
    if (frame.has_offset)
        frame.offset = cursor_varint(payload);
    if (payload->bad)
        return -EBADMSG;
    if (id) {
        code = find_code(native, chunk->session, id);
        if (!code)
            return -ENOMEM;
        frame.code = *code;
    }
    index = store_frame(native->profile, &frame);
    if (index < 0)
        return -ENOMEM;
    return index_map_add(&native->sessions[chunk->session].frames,
                         (uint32_t)index);
}

int
native_frames_chunk(struct native *native, struct native_chunk *chunk)
{
    const uint64_t first = cursor_varint(&chunk->payload);
    uint64_t count = cursor_varint(&chunk->payload);
    int result;

    if (chunk->payload.bad)
        return -EBADMSG;
    result = index_map_begin(&native->sessions[chunk->session].frames, first);
    while (count-- && !result)
        result = read_frame(native, chunk);
    return result;
}

/* A node whose parent or frame is lost stands for an unknown stack. */
static int64_t
make_node(struct native *native, struct native_session *session,
          uint64_t parent_index, uint64_t frame_index)
{
    const uint32_t parent = index_map_get(&session->nodes, parent_index);
    const uint32_t frame = index_map_get(&session->frames, frame_index);

    if (parent == INDEX_LOST || frame == INDEX_LOST)
        return INDEX_LOST;
    return store_node(native->profile, parent, frame);
}

static int
read_node(struct native *native, struct native_chunk *chunk, uint64_t index)
{
    struct native_session *session = &native->sessions[chunk->session];
    const uint64_t distance = cursor_varint(&chunk->payload);
    const uint64_t frame = cursor_varint(&chunk->payload);
    int64_t node;

    if (chunk->payload.bad || distance == 0 || distance > index)
        return -EBADMSG;
    node = make_node(native, session, index - distance, frame);
    if (node < 0)
        return -ENOMEM;
    return index_map_add(&session->nodes, (uint32_t)node);
}

int
native_nodes_chunk(struct native *native, struct native_chunk *chunk)
{
    uint64_t index = cursor_varint(&chunk->payload);
    uint64_t count = cursor_varint(&chunk->payload);
    int result;

    if (chunk->payload.bad)
        return -EBADMSG;
    result = index_map_begin(&native->sessions[chunk->session].nodes, index);
    while (count-- && !result)
        result = read_node(native, chunk, index++);
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
