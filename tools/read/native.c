/* SPDX-License-Identifier: MIT */

/* From bytes to chunks: checks each, goes on behind damage, counts losses. */
#include "native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/crc32c.h"
#include "store.h"

enum {
    UNIT_NS = 1000, /* of a session whose SESSION chunk is lost */
    CHUNK_MAX = VMP_CHUNK_HEADER_SIZE + VMP_CHUNK_MAX_PAYLOAD,
    /* How far to look for a first chunk in what may have no end. */
    PATIENCE = 64 * 1024 * 1024,
};

typedef int (*chunk_function)(struct native *native,
                              struct native_chunk *chunk);

static int
group_chunk(struct native *native, struct native_chunk *group);

static const chunk_function chunk_functions[] = {
    [VMP_CHUNK_SESSION] = native_session_chunk,
    [VMP_CHUNK_CODES] = native_codes_chunk,
    [VMP_CHUNK_FRAMES] = native_frames_chunk,
    [VMP_CHUNK_NODES] = native_nodes_chunk,
    [VMP_CHUNK_THREAD] = native_thread_chunk,
    [VMP_CHUNK_SAMPLES] = native_samples_chunk,
    [VMP_CHUNK_GROUP] = group_chunk,
    [VMP_CHUNK_STATS] = native_stats_chunk,
    [VMP_CHUNK_END] = native_end_chunk,
    [VMP_CHUNK_MODULES] = native_modules_chunk,
    [VMP_CHUNK_WORDS] = native_words_chunk,
    [VMP_CHUNK_SITES] = native_sites_chunk,
    [CHUNK_TRACES] = native_traces_chunk,
    [CHUNK_EVENTS] = native_events_chunk,
    [CHUNK_COUNTS] = native_counts_chunk,
    [VMP_CHUNK_RECORDED] = native_recorded_chunk,
    [VMP_CHUNK_EVENT_COUNTS] = native_event_counts_chunk,
    [VMP_CHUNK_LINES] = native_lines_chunk,
    [VMP_CHUNK_CALLS] = native_calls_chunk,
};

enum {
    CHUNK_TYPES = sizeof(chunk_functions) / sizeof(chunk_functions[0]),
};

enum whole {
    IS_WHOLE,
    IS_CUT, /* it would be a chunk if the file went on */
    IS_DAMAGED,
};

/* Sets `size`, of the whole chunk, if that is what the window begins with. */
static enum whole
look_at_chunk(const struct input *input, size_t *size)
{
    static const unsigned char magic[4] = { 0x8e, 'V', 'M', 'P' };
    const unsigned char *data = input->data;
    uint32_t payload;

    if (memcmp(data, magic, input->size < 4 ? input->size : 4) != 0)
        return IS_DAMAGED;
    if (input->size < VMP_CHUNK_HEADER_SIZE)
        return IS_CUT;
    payload = vmp_get_u32(data + 20);
    if (payload > VMP_CHUNK_MAX_PAYLOAD)
        return IS_DAMAGED;
    *size = VMP_CHUNK_HEADER_SIZE + payload;
    if (input->size < *size)
        return IS_CUT;
    return vmp_get_u32(data + 4) == vmp_crc32c(data + VMP_CHUNK_CHECKED_FROM,
                                               *size - VMP_CHUNK_CHECKED_FROM)
               ? IS_WHOLE
               : IS_DAMAGED;
}

static void
count_unread(struct native *native, uint64_t offset, uint64_t size)
{
    struct damage *damage = &native->profile->damage;

    if (size && !damage->bytes_unread)
        damage->first_offset = offset;
    damage->bytes_unread += size;
}

/* To the next byte where a chunk may begin. */
static void
skip_damage(struct native *native)
{
    struct input *input = &native->input;
    const unsigned char *next = memchr(input->data + 1, 0x8e, input->size - 1);
    const size_t size = next ? (size_t)(next - input->data) : input->size;

    count_unread(native, input->offset, size);
    input_skip(input, size);
}

static int64_t
find_session(struct native *native, uint32_t id)
{
    bool is_new;
    const int64_t index = vmp_intern(&native->session_ids, id, 0, &is_new);

    if (index < 0)
        return -ENOMEM;
    if (!is_new)
        return index;
    if (store_session(native->profile) < 0 ||
        grow_array((void **)&native->sessions, &native->session_capacity,
                   (uint32_t)index, sizeof(*native->sessions)))
        return -ENOMEM;
    native->sessions[index] = (struct native_session){
        .unit_ns = UNIT_NS,
    };
    return index;
}

/* False for a chunk that was read before: a file that was joined to itself. */
static bool
is_next(struct native *native, const struct native_chunk *chunk)
{
    struct native_session *session = &native->sessions[chunk->session];

    if (chunk->number < session->next_number)
        return false;
    native->profile->damage.chunks_missing +=
        chunk->number - session->next_number;
    session->next_number = (uint64_t)chunk->number + 1;
    return true;
}

/* What was summed is of the nodes, and in the units, that were known then. */
static bool
ends_sums(uint32_t type)
{
    return type == VMP_CHUNK_NODES || type == VMP_CHUNK_SESSION;
}

static int
take_payload(struct native *native, struct native_chunk *chunk)
{
    if (ends_sums(chunk->type)) {
        const int result = native_sums_send(native);

        if (result)
            return result;
    }
    if (chunk->flags || chunk->type >= CHUNK_TYPES ||
        !chunk_functions[chunk->type] ||
        native->sessions[chunk->session].refused) {
        native->profile->damage.chunks_unknown++;
        return 0;
    }
    return chunk_functions[chunk->type](native, chunk);
}

/* Each section is as a chunk of its type; what follows a bad one is kept. */
static int
group_chunk(struct native *native, struct native_chunk *group)
{
    struct cursor *payload = &group->payload;
    int result = 0;

    while (payload->at < payload->end && result != -ENOMEM &&
           result != -ECANCELED) {
        struct native_chunk section = *group;
        const uint64_t type = cursor_varint(payload);
        const uint64_t size = cursor_varint(payload);
        int r;

        if (payload->bad || type == VMP_CHUNK_GROUP ||
            size > (uint64_t)(payload->end - payload->at))
            return -EBADMSG;
        section.type = type < CHUNK_TYPES ? (uint32_t)type : CHUNK_TYPES;
        section.payload.end = payload->at + size;
        section.payload.at = payload->at;
        payload->at += size;
        r = take_payload(native, &section);
        result = r ? r : result;
    }
    return result;
}

static int
take_chunk(struct native *native, struct native_chunk *chunk)
{
    return is_next(native, chunk) ? take_payload(native, chunk) : -EBADMSG;
}

static int
read_chunk(struct native *native, size_t size)
{
    struct input *input = &native->input;
    const unsigned char *data = input->data;
    const int64_t session = find_session(native, vmp_get_u32(data + 8));
    struct native_chunk chunk = {
        .session = (uint32_t)session,
        .number = vmp_get_u32(data + 12),
        .type = vmp_get_u16(data + 16),
        .flags = vmp_get_u16(data + 18),
        .payload = { data + VMP_CHUNK_HEADER_SIZE, data + size, false },
    };
    int result;

    if (session < 0)
        return -ENOMEM;
    native->chunks++;
    result = take_chunk(native, &chunk);
    if (result == -EBADMSG) {
        count_unread(native, input->offset, size);
        result = 0;
    }
    input_skip(input, size);
    return result;
}

static bool
is_hopeless(const struct native *native)
{
    return !native->chunks && !native->input.regular &&
           native->input.offset > PATIENCE;
}

int
native_read(struct native *native)
{
    struct input *input = &native->input;
    bool cut = false, in_damage = false;
    int result = 0;

    for (input_need(input, CHUNK_MAX); input->size && !result;
         input_need(input, CHUNK_MAX)) {
        size_t size;
        const enum whole whole = look_at_chunk(input, &size);

        if (whole == IS_WHOLE) {
            result = read_chunk(native, size);
            cut = in_damage = false;
            continue;
        }
        /* What follows the start of a damaged stretch says nothing. */
        if (!in_damage)
            cut = whole == IS_CUT;
        in_damage = true;
        if (is_hopeless(native))
            break;
        skip_damage(native);
    }
    if (!result)
        result = native_sums_send(native);
    if (!result)
        result = native_events_finish(native);
    if (!result)
        result = native_traces_finish(native);
    native->profile->damage.cut = cut || input->broken;
    native->profile->file_size = input->file_size;
    return result ? result : type_table_finish(native->profile);
}

void
native_free(struct native *native)
{
    for (uint32_t i = 0; i < native->profile->session_count; i++) {
        if (i >= native->session_capacity)
            break;
        index_map_free(&native->sessions[i].modules);
        index_map_free(&native->sessions[i].frames);
        index_map_free(&native->sessions[i].nodes);
        index_map_free(&native->sessions[i].words);
    }
    free(native->sessions);
    free(native->codes);
    free(native->recorded_numbers);
    vmp_intern_free(&native->session_ids);
    vmp_intern_free(&native->thread_ids);
    vmp_intern_free(&native->code_ids);
    type_table_free(&native->types);
    native_jit_free(native);
    native_layers_free(native);
    input_close(&native->input);
}
