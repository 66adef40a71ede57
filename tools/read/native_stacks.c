/* SPDX-License-Identifier: MIT */

/* The call tree: FRAMES and NODES. */
#include <errno.h>
#include <string.h>

#include "native.h"
#include "store.h"

/* In place of a frame that is to be left out. */
#define FRAME_LEFT_OUT (INDEX_LOST - 1)

struct raw_frame {
    uint64_t id, bits, offset, module;
    uint32_t line;
};

static bool
read_raw_frame(struct cursor *payload, struct raw_frame *raw)
{
    raw->id = cursor_varint(payload);
    raw->bits = cursor_varint(payload);
    if (raw->bits & VMP_FRAME_HAS_LINE)
        raw->line = cursor_varint32(payload);
    if (raw->bits & VMP_FRAME_HAS_OFFSET)
        raw->offset = cursor_varint(payload);
    if (raw->bits & VMP_FRAME_HAS_MODULE)
        raw->module = cursor_varint(payload);
    return !payload->bad;
}

/* The code of a frame that no VM entered, by what it is called in reports. */
static int64_t
named_code(struct native *native, const char *name)
{
    return store_code(native->profile, 0, name, strlen(name));
}

static int64_t
find_code(struct native *native, uint32_t session, const struct raw_frame *raw)
{
    const uint32_t *code;

    switch (raw->bits & VMP_FRAME_KIND_MASK) {
    case VMP_KIND_SYSTEM:
        return named_code(native, "[system calls]");
    case VMP_KIND_NO_POLL:
        return named_code(native, "[no poll]");
    }
    if (!raw->id)
        return CODE_UNKNOWN;
    code = native_find_code(native, session, raw->id);
    return code ? (int64_t)*code : -ENOMEM;
}

static int64_t
make_vm_frame(struct native *native, uint32_t session,
              const struct raw_frame *raw)
{
    const int64_t code = find_code(native, session, raw);
    const struct frame frame = {
        .code = (uint32_t)code,
        .kind = raw->bits & VMP_FRAME_KIND_MASK,
        .line = raw->line,
        .offset = raw->offset,
        .has_offset = raw->bits & VMP_FRAME_HAS_OFFSET,
    };

    return code < 0 ? code : store_frame(native->profile, &frame);
}

/* An address of a module that was lost says nothing. */
static int64_t
make_frame(struct native *native, uint32_t session, const struct raw_frame *raw)
{
    uint32_t module;

    if ((raw->bits & VMP_FRAME_KIND_MASK) == FRAME_TRACE)
        return native_trace_frame(native, session, raw->id, raw->offset,
                                  raw->bits & VMP_FRAME_HAS_OFFSET);
    if ((raw->bits & VMP_FRAME_KIND_MASK) != VMP_KIND_ADDRESS)
        return make_vm_frame(native, session, raw);
    if (native->options.no_native)
        return FRAME_LEFT_OUT;
    module = index_map_get(&native->sessions[session].modules, raw->module);
    if (module == INDEX_LOST)
        return INDEX_LOST;
    return native_address(native, session, module, raw->offset);
}

static int
read_frame(struct native *native, struct native_chunk *chunk)
{
    struct raw_frame raw = { 0 };
    int64_t index;

    if (!read_raw_frame(&chunk->payload, &raw))
        return -EBADMSG;
    index = make_frame(native, chunk->session, &raw);
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

/* A frame below `parent`, and first the frames that it is inlined into. */
static int64_t
put_frame(struct profile *profile, uint32_t parent, uint32_t frame)
{
    const uint32_t outer = profile->frames[frame].inlined_into;
    int64_t at = parent;

    if (outer)
        at = put_frame(profile, parent, outer);
    return at < 0 ? at : store_node(profile, (uint32_t)at, frame);
}

/*
 * A function of the VM was entered by the function of an address, not by what
 * was inlined at the instruction where that happens to be.
 */
static uint32_t
entering_node(const struct profile *profile, uint32_t parent, uint32_t frame)
{
    if (profile->frames[frame].is_machine_code ||
        frame_is_gap(&profile->frames[frame]))
        return parent;
    while (profile->frames[profile->nodes[parent].frame].inlined_into)
        parent = profile->nodes[parent].parent;
    return parent;
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
    if (frame == FRAME_LEFT_OUT)
        return parent;
    if (native->profile->frames[frame].kind == FRAME_TRACE)
        return native_trace_node(native, parent, frame);
    return put_frame(native->profile,
                     entering_node(native->profile, parent, frame), frame);
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
