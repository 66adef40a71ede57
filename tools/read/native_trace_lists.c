/* SPDX-License-Identifier: MIT */

/* Lists of a trace: guards, places, positions, operations, machine code. */
#include <errno.h>
#include <string.h>

#include "native_entry.h"
#include "store.h"

/* The guard of that number, which is made if it is new. */
static int64_t
find_guard(struct entry_reader *reader, uint32_t number)
{
    struct native_jit *jit = &reader->native->jit;
    const struct native_trace *trace = entry_trace(reader);
    const struct trace_guard guard = { .trace = reader->trace, .text = "" };
    bool is_new;
    /* Without ids they have numbers that no id is. */
    const uint64_t id =
        trace->first_guard_id
            ? trace->first_guard_id + number
            : UINT64_C(1) << 63 | (uint64_t)reader->trace << 31 | number;
    const int64_t index =
        vmp_intern(&jit->guard_ids, trace->process, id, &is_new);

    if (index < 0)
        return -ENOMEM;
    if (is_new)
        return traces_add_guard(&reader->native->profile->traces, &guard);
    return index + 1;
}

/* The next of a list; `member_size` bytes, zeroed. NULL: no memory. */
static void *
next_member(struct list *list, size_t member_size)
{
    unsigned char *member;

    if (grow_array(&list->members, &list->capacity, list->count, member_size))
        return NULL;
    member = (unsigned char *)list->members + list->count * member_size;
    memset(member, 0, member_size);
    list->count++;
    return member;
}

/* What was counted of a guard stays when the list comes again. */
static void
set_guard(struct entry_reader *reader, uint32_t index,
          const struct trace_guard *from)
{
    struct trace_guard *guard = &reader->native->profile->traces.guards[index];

    guard->id = from->id;
    guard->trace = reader->trace;
    guard->offset = from->offset;
    guard->has_offset = true;
    guard->bridge = from->bridge;
    guard->text = from->text ? from->text : "";
}

static int
read_guard(struct entry_reader *reader, struct list *list)
{
    struct cursor *cursor = &reader->cursor;
    struct trace_guard guard = { 0 };
    const uint32_t number = list->count;
    uint64_t bridge;
    struct bytes text;
    int64_t index;
    struct native_guard *to;
    uint32_t place;

    guard.offset = cursor_varint32(cursor);
    place = cursor_varint32(cursor);
    bridge = cursor_varint(cursor);
    text = cursor_string(cursor);
    if (cursor->bad)
        return -EBADMSG;
    guard.id = entry_trace(reader)->first_guard_id + number;
    index = find_guard(reader, number);
    if (index < 0 || entry_set_trace(reader, &guard.bridge, bridge) ||
        entry_set_text(reader, &guard.text, text))
        return -ENOMEM;
    set_guard(reader, (uint32_t)index, &guard);
    /* The trace of the bridge may have moved the lists. */
    to = next_member(&entry_trace(reader)->guards, sizeof(*to));
    if (!to)
        return -ENOMEM;
    *to = (struct native_guard){ (uint32_t)index, place };
    return 0;
}

static int
read_place(struct entry_reader *reader, struct list *list)
{
    struct cursor *cursor = &reader->cursor;
    const uint64_t code = cursor_varint(cursor);
    struct native_place place = { 0 }, *to;

    place.bytecode = cursor_varint(cursor);
    place.line = cursor_varint32(cursor);
    place.parent = cursor_varint32(cursor);
    /* A parent comes first, so that no chain is a circle. */
    if (cursor->bad || place.parent > list->count)
        return -EBADMSG;
    if (entry_set_code(reader, &place.code, code))
        return -ENOMEM;
    to = next_member(list, sizeof(*to));
    if (!to)
        return -ENOMEM;
    *to = place;
    return 0;
}

static int
read_position(struct entry_reader *reader, struct list *list)
{
    struct trace_position position, *to;

    position.offset = cursor_varint32(&reader->cursor);
    position.place = cursor_varint32(&reader->cursor);
    if (reader->cursor.bad)
        return -EBADMSG;
    to = next_member(list, sizeof(*to));
    if (!to)
        return -ENOMEM;
    *to = position;
    return 0;
}

static int
read_operation(struct entry_reader *reader, struct list *list)
{
    struct cursor *cursor = &reader->cursor;
    struct native_operation operation, *to;
    struct bytes text;

    operation.offset = cursor_varint32(cursor);
    operation.place = cursor_varint32(cursor);
    operation.guard = cursor_varint32(cursor);
    text = cursor_string(cursor);
    if (cursor->bad)
        return -EBADMSG;
    operation.text =
        traces_text(&reader->native->profile->traces, text.data, text.size);
    to = next_member(list, sizeof(*to));
    if (!operation.text || !to)
        return -ENOMEM;
    *to = operation;
    return 0;
}

/* A piece that does not follow what is there would leave a gap. */
static int
read_list(struct entry_reader *reader, struct list *list,
          int (*read_member)(struct entry_reader *reader, struct list *list))
{
    const ptrdiff_t at = (char *)list - (char *)entry_trace(reader);
    const uint64_t first = cursor_varint(&reader->cursor);
    uint64_t count = cursor_varint(&reader->cursor);
    int result = 0;

    if (!reader->cursor.bad && !first)
        list->count = 0;
    if (reader->cursor.bad || first != list->count)
        return -EBADMSG;
    while (count-- && !result)
        result = read_member(reader,
                             (struct list *)((char *)entry_trace(reader) + at));
    return result;
}

int
entry_code(struct entry_reader *reader)
{
    struct list *list = &entry_trace(reader)->code_bytes;
    struct cursor *cursor = &reader->cursor;
    uint64_t offset = cursor_varint(cursor);

    if (!cursor->bad && !offset)
        list->count = 0;
    if (cursor->bad || offset != list->count)
        return -EBADMSG;
    for (; cursor->at < cursor->end; cursor->at++) {
        unsigned char *to = next_member(list, 1);

        if (!to)
            return -ENOMEM;
        *to = *cursor->at;
    }
    return 0;
}

int
entry_guards(struct entry_reader *reader)
{
    return read_list(reader, &entry_trace(reader)->guards, read_guard);
}

int
entry_places(struct entry_reader *reader)
{
    return read_list(reader, &entry_trace(reader)->places, read_place);
}

int
entry_positions(struct entry_reader *reader)
{
    return read_list(reader, &entry_trace(reader)->positions, read_position);
}

int
entry_operations(struct entry_reader *reader)
{
    return read_list(reader, &entry_trace(reader)->operations, read_operation);
}
