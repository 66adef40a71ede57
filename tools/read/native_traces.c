/* SPDX-License-Identifier: MIT */

/* TRACES: what a JIT has compiled, as it comes. */
#include <errno.h>
#include <string.h>

#include "native_entry.h"
#include "store.h"

enum entry {
    ENTRY_TRACE = 1,
    ENTRY_GUARDS = 2,
    ENTRY_PLACES = 3,
    ENTRY_POSITIONS = 4,
    ENTRY_OPERATIONS = 5,
    ENTRY_CODE = 6,
};

enum trace_key {
    KEY_NAME = 1,
    KEY_REASON = 3,
    KEY_KIND = 2,
    KEY_END = 4,
    KEY_CODE = 6,
    KEY_OFFSET = 8,
    KEY_LINE = 10,
    KEY_GUARD = 12,
    KEY_PARENT = 14,
    KEY_TARGET = 16,
    KEY_ADDRESS = 18,
    KEY_LENGTH = 20,
    KEY_LOOP_OFFSET = 22,
    KEY_EMITS = 24,
    KEY_FIRST_GUARD = 26,
    KEY_STATE = 30,
};

enum {
    STATE_UNREGISTERED = 1,
    STATE_ABORTED = 2,
};

/* A process is told by its number and name; that is the best there is. */
static int64_t
find_process(struct native *native, uint32_t index)
{
    struct native_session *session = &native->sessions[index];
    const struct session *known = &native->profile->sessions[index];
    const uint64_t a = known->pid ? known->pid : index;
    const uint64_t b = known->pid ? (uintptr_t)known->program : UINT64_MAX;
    bool is_new;

    if (!session->process) {
        const int64_t process =
            vmp_intern(&native->jit.processes, a, b, &is_new);

        if (process < 0)
            return -ENOMEM;
        session->process = (uint32_t)process + 1;
    }
    return session->process;
}

static int
open_model(struct native *native)
{
    struct traces *traces = &native->profile->traces;

    if (traces->private)
        return 0;
    if (traces_open(traces) ||
        grow_array((void **)&native->jit.traces, &native->jit.trace_capacity, 0,
                   sizeof(*native->jit.traces)))
        return -ENOMEM;
    native->jit.traces[0] = (struct native_trace){ 0 };
    traces->format = native->profile->format;
    traces->clock = TRACE_CLOCK_NS;
    return 0;
}

static int64_t
add_trace(struct native *native, uint32_t session, uint64_t process,
          uint64_t id)
{
    const struct trace trace = {
        .id = id,
        .session = session,
        .name = "",
        .reason = "",
    };
    const int64_t index = traces_add(&native->profile->traces, &trace);
    struct native_jit *jit = &native->jit;

    if (index < 0 || grow_array((void **)&jit->traces, &jit->trace_capacity,
                                (uint32_t)index, sizeof(*jit->traces)))
        return -ENOMEM;
    jit->traces[index] = (struct native_trace){ .process = process };
    return index;
}

int64_t
native_find_trace(struct native *native, uint32_t session, uint64_t id)
{
    const int64_t process = find_process(native, session);
    bool is_new;
    int64_t number;

    if (process < 0 || open_model(native))
        return -ENOMEM;
    if (!id)
        return 0;
    number = vmp_intern(&native->jit.ids, (uint64_t)process, id, &is_new);
    if (number < 0)
        return -ENOMEM;
    if (is_new)
        return add_trace(native, session, (uint64_t)process, id);
    return number + 1;
}

uint32_t
native_find_guard(const struct native *native, uint32_t session, uint64_t id)
{
    const int64_t number = vmp_intern_find(
        &native->jit.guard_ids, native->sessions[session].process, id);

    return number < 0 ? 0 : (uint32_t)number + 1;
}

static uint32_t
small(uint64_t number)
{
    return number > UINT32_MAX ? 0 : (uint32_t)number;
}

int
entry_set_trace(struct entry_reader *reader, uint32_t *to, uint64_t id)
{
    const int64_t index =
        native_find_trace(reader->native, reader->session, id);

    if (index < 0)
        return -ENOMEM;
    *to = (uint32_t)index;
    return 0;
}

int
entry_set_code(struct entry_reader *reader, uint32_t *to, uint64_t id)
{
    const uint32_t *code =
        id ? native_find_code(reader->native, reader->session, id) : NULL;

    if (id && !code)
        return -ENOMEM;
    *to = code ? *code : CODE_UNKNOWN;
    return 0;
}

int
entry_set_text(struct entry_reader *reader, const char **to, struct bytes text)
{
    *to = text.size ? traces_name(&reader->native->profile->traces, text.data,
                                  text.size)
                    : NULL;
    return text.size && !*to ? -ENOMEM : 0;
}

/* Fields that name something else. */
static int
set_link(struct entry_reader *reader, const struct field *field)
{
    struct native_trace *trace = entry_trace(reader);
    uint32_t index;
    int result;

    switch (field->key) {
    case KEY_CODE:
        return entry_set_code(reader, &trace->start.code, field->number);
    case KEY_GUARD:
        trace->guard_id = field->number;
        return 0;
    case KEY_PARENT:
    case KEY_TARGET:
        result = entry_set_trace(reader, &index, field->number);
        if (!result && field->key == KEY_PARENT)
            reader->native->profile->traces.traces[reader->trace].parent =
                index;
        else if (!result)
            reader->native->profile->traces.traces[reader->trace].into = index;
        return result;
    }
    return 0;
}

static void
set_number(struct entry_reader *reader, const struct field *field)
{
    struct trace *trace =
        &reader->native->profile->traces.traces[reader->trace];
    struct native_trace *rest = entry_trace(reader);

    switch (field->key) {
    case KEY_KIND:
        trace->kind =
            field->number > TRACE_STUB ? TRACE_UNKNOWN : (uint8_t)field->number;
        break;
    case KEY_END:
        trace->end = field->number > TRACE_END_INTERPRETER
                         ? TRACE_END_UNKNOWN
                         : (uint8_t)field->number;
        break;
    case KEY_OFFSET:
        rest->start.bytecode = field->number;
        break;
    case KEY_LINE:
        rest->start.line = small(field->number);
        break;
    case KEY_ADDRESS:
        trace->code_start = field->number;
        break;
    case KEY_LENGTH:
        trace->code_size = field->number;
        break;
    case KEY_LOOP_OFFSET:
        trace->loop_offset = field->number;
        break;
    case KEY_EMITS:
        trace->emits = small(field->number);
        break;
    case KEY_FIRST_GUARD:
        rest->first_guard_id = field->number;
        break;
    case KEY_STATE:
        trace->freed = field->number == STATE_UNREGISTERED;
        trace->aborted = field->number == STATE_ABORTED;
        break;
    }
}

static int
set_field(struct entry_reader *reader, const struct field *field)
{
    struct trace *trace =
        &reader->native->profile->traces.traces[reader->trace];

    switch (field->key) {
    case KEY_NAME:
        return entry_set_text(reader, &entry_trace(reader)->name, field->text);
    case KEY_REASON:
        if (entry_set_text(reader, &trace->reason, field->text))
            return -ENOMEM;
        trace->reason = trace->reason ? trace->reason : "";
        return 0;
    }
    set_number(reader, field);
    return set_link(reader, field);
}

/* The last one counts, whole, but for what was counted. */
static void
forget_fields(struct entry_reader *reader)
{
    struct native_trace *rest = entry_trace(reader);
    struct trace *trace =
        &reader->native->profile->traces.traces[reader->trace];

    *trace = (struct trace){
        .id = trace->id,
        .session = trace->session,
        .entries = trace->entries,
        .has_entries = trace->has_entries,
        .name = "",
        .reason = "",
    };
    rest->start = (struct native_place){ 0 };
    rest->name = NULL;
    rest->guard_id = rest->first_guard_id = 0;
    rest->described = true;
}

static int
read_fields(struct entry_reader *reader)
{
    struct field field;
    int result = 0;

    forget_fields(reader);
    while (!result && cursor_field(&reader->cursor, &field))
        result = set_field(reader, &field);
    return result;
}

static int
read_entry(struct entry_reader *reader, uint64_t type)
{
    switch (type) {
    case ENTRY_TRACE:
        return read_fields(reader);
    case ENTRY_GUARDS:
        return entry_guards(reader);
    case ENTRY_PLACES:
        return entry_places(reader);
    case ENTRY_POSITIONS:
        return entry_positions(reader);
    case ENTRY_OPERATIONS:
        return entry_operations(reader);
    case ENTRY_CODE:
        return entry_code(reader);
    }
    return 0;
}

static int
open_entry(struct native *native, struct native_chunk *chunk,
           struct cursor cursor, uint64_t type)
{
    struct entry_reader reader = { native, chunk->session, 0, cursor };
    const uint64_t id = cursor_varint(&reader.cursor);
    int64_t index;
    int result;

    if (reader.cursor.bad || !id)
        return -EBADMSG;
    index = native_find_trace(native, chunk->session, id);
    if (index < 0)
        return -ENOMEM;
    reader.trace = (uint32_t)index;
    result = read_entry(&reader, type);
    return result ? result : reader.cursor.bad ? -EBADMSG : 0;
}

int
native_traces_chunk(struct native *native, struct native_chunk *chunk)
{
    struct cursor *payload = &chunk->payload;
    int result = 0;

    while (payload->at < payload->end && result != -ENOMEM) {
        const uint64_t type = cursor_varint(payload);
        const uint64_t size = cursor_varint(payload);
        struct cursor entry = { payload->at, NULL, false };
        int r;

        if (payload->bad || size > (uint64_t)(payload->end - payload->at))
            return -EBADMSG;
        payload->at += size;
        entry.end = payload->at;
        r = open_entry(native, chunk, entry, type);
        result = r ? r : result;
    }
    return result;
}
