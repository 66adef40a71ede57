/* SPDX-License-Identifier: MIT */

#include "traces.h"

#include <string.h>

#include "encoder_state.h"

enum {
    TEXT_MAX = 1024,
    ROWS_SIZE = 16 << 10,
    ROW_MAX = 5 * VMP_VARINT_MAX + TEXT_MAX,
    HEAD_MAX = 3 * VMP_VARINT_MAX,
    ENTRY_MAX = 2 * VMP_VARINT_MAX + HEAD_MAX + ROWS_SIZE,
    FIELDS_MAX = 2 * (TEXT_MAX + 2 * VMP_VARINT_MAX) + 17 * 2 * VMP_VARINT_MAX,
    COUNT_MAX = 2 * VMP_VARINT_MAX,
    KIND_SHIFT = 56,
};

/* Part of a list while it is put together. */
struct rows {
    struct vmp_encoder *encoder;
    enum vmp_trace_entry type;
    uint32_t id;
    uint64_t first, count;
    int error;
    unsigned char *to;
    unsigned char bytes[ROWS_SIZE];
};

static unsigned char *
put_text(unsigned char *to, const char *text)
{
    const size_t size = text ? strnlen(text, TEXT_MAX) : 0;

    to = vmp_put_varint(to, size);
    if (size)
        memcpy(to, text, size);
    return to + size;
}

static unsigned char *
put_number(unsigned char *to, unsigned key, uint64_t value)
{
    return value ? vmp_put_varint(vmp_put_varint(to, key), value) : to;
}

static unsigned char *
put_string(unsigned char *to, unsigned key, const char *text)
{
    return text && *text ? put_text(vmp_put_varint(to, key), text) : to;
}

static void
put_bytes(struct vmp_pending *list, const void *bytes, size_t size)
{
    memcpy(list->bytes + list->used, bytes, size);
    list->used += size;
}

/* One entry, whose contents are in two parts. */
static int
put_entry(struct vmp_encoder *encoder, enum vmp_trace_entry type,
          const unsigned char *head, size_t head_size,
          const unsigned char *rest, size_t rest_size)
{
    struct vmp_pending *const list = &encoder->traces;
    int r = 0;

    if (!vmp_pending_fits(list, 2 * VMP_VARINT_MAX + head_size + rest_size))
        r = vmp_encoder_finish_traces(encoder);
    vmp_pending_put(list, type);
    vmp_pending_put(list, head_size + rest_size);
    put_bytes(list, head, head_size);
    put_bytes(list, rest, rest_size);
    list->count++;
    return r;
}

int
vmp_encoder_finish_traces(struct vmp_encoder *encoder)
{
    int defined, sent;

    if (!encoder->traces.count)
        return 0;
    defined = vmp_encoder_send_definitions(encoder);
    sent = vmp_encoder_send_list(encoder, &encoder->traces, VMP_CHUNK_TRACES);
    return defined < 0 ? defined : sent;
}

static uint64_t
plus_one(const struct vmp_encoder *encoder, uint64_t time_ns, bool is_known)
{
    return is_known ? time_ns / encoder->unit_ns + 1 : 0;
}

/* What the VM has told of a trace that it registered. */
static unsigned char *
put_told(unsigned char *to, const struct vmprof_trace *told)
{
    to = put_string(to, VMP_TRACE_NAME, told->name);
    to = put_number(to, VMP_TRACE_KIND, told->kind);
    to = put_number(to, VMP_TRACE_END, told->end);
    to = put_number(to, VMP_TRACE_OFFSET, told->offset);
    to = put_number(to, VMP_TRACE_GUARD, told->guard);
    to = put_number(to, VMP_TRACE_TARGET, told->target);
    to = put_number(to, VMP_TRACE_LENGTH, told->length);
    to = put_number(to, VMP_TRACE_LOOP_OFFSET, told->loop_offset);
    return put_number(to, VMP_TRACE_EMITS, told->emits);
}

int
vmp_encoder_trace(struct vmp_encoder *encoder,
                  const struct vmp_trace_info *info)
{
    const uint64_t code = info->told ? info->told->code : info->code;
    unsigned char head[VMP_VARINT_MAX], fields[FIELDS_MAX], *to = fields;
    const size_t head_size = (size_t)(vmp_put_varint(head, info->id) - head);
    const int defined = vmp_encoder_define_code(encoder, code);
    int r;

    if (info->told)
        to = put_told(to, info->told);
    to = put_string(to, VMP_TRACE_REASON, info->reason);
    to = put_number(to, VMP_TRACE_CODE, code / 4);
    to = put_number(to, VMP_TRACE_LINE,
                    info->told ? info->told->line : info->line);
    to = put_number(to, VMP_TRACE_PARENT, info->parent);
    to = put_number(to, VMP_TRACE_ADDRESS, info->address);
    to = put_number(to, VMP_TRACE_FIRST_GUARD,
                    info->guard_count ? info->first_guard : 0);
    to = put_number(to, VMP_TRACE_GUARD_COUNT, info->guard_count);
    to = put_number(to, VMP_TRACE_STATE, info->state);
    to = put_number(to, VMP_TRACE_SINCE,
                    plus_one(encoder, info->since_ns, info->has_since));
    to = put_number(to, VMP_TRACE_UNTIL,
                    plus_one(encoder, info->until_ns, info->has_until));
    r = put_entry(encoder, VMP_ENTRY_TRACE, head, head_size, fields,
                  (size_t)(to - fields));
    return defined < 0 ? defined : r;
}

static void
begin_rows(struct rows *rows, struct vmp_encoder *encoder,
           enum vmp_trace_entry type, uint32_t id)
{
    rows->encoder = encoder;
    rows->type = type;
    rows->id = id;
    rows->first = rows->count = 0;
    rows->error = 0;
    rows->to = rows->bytes;
}

static int
end_rows(struct rows *rows)
{
    unsigned char head[HEAD_MAX], *to = head;
    int r;

    /* Nothing at all is told, too: there may have been something. */
    if (!rows->count && rows->first)
        return rows->error;
    to = vmp_put_varint(to, rows->id);
    to = vmp_put_varint(to, rows->first);
    to = vmp_put_varint(to, rows->count);
    r = put_entry(rows->encoder, rows->type, head, (size_t)(to - head),
                  rows->bytes, (size_t)(rows->to - rows->bytes));
    if (r < 0)
        rows->error = r;
    rows->first += rows->count;
    rows->count = 0;
    rows->to = rows->bytes;
    return rows->error;
}

/* Room for one more. */
static unsigned char *
next_row(struct rows *rows)
{
    if (sizeof(rows->bytes) - (size_t)(rows->to - rows->bytes) < ROW_MAX)
        end_rows(rows);
    rows->count++;
    return rows->to;
}

int
vmp_encoder_places(struct vmp_encoder *encoder, uint32_t id,
                   const struct vmprof_trace_place *places, uint64_t count)
{
    struct rows rows;

    begin_rows(&rows, encoder, VMP_ENTRY_PLACES, id);
    for (uint64_t i = 0; i < count; i++) {
        unsigned char *to = next_row(&rows);
        const int defined = vmp_encoder_define_code(encoder, places[i].code);

        if (defined < 0)
            rows.error = defined;
        to = vmp_put_varint(to, places[i].code / 4);
        to = vmp_put_varint(to, places[i].offset);
        to = vmp_put_varint(to, places[i].line);
        rows.to = vmp_put_varint(to, places[i].parent);
    }
    return end_rows(&rows);
}

int
vmp_encoder_positions(struct vmp_encoder *encoder, uint32_t id,
                      const struct vmprof_trace_position *positions,
                      uint64_t count)
{
    struct rows rows;

    begin_rows(&rows, encoder, VMP_ENTRY_POSITIONS, id);
    for (uint64_t i = 0; i < count; i++) {
        unsigned char *to = next_row(&rows);

        to = vmp_put_varint(to, positions[i].offset);
        rows.to = vmp_put_varint(to, positions[i].place);
    }
    return end_rows(&rows);
}

int
vmp_encoder_guards(struct vmp_encoder *encoder, uint32_t id,
                   const struct vmprof_trace_guard *guards,
                   const uint32_t *bridges, uint64_t count)
{
    struct rows rows;

    begin_rows(&rows, encoder, VMP_ENTRY_GUARDS, id);
    for (uint64_t i = 0; i < count; i++) {
        unsigned char *to = next_row(&rows);

        to = vmp_put_varint(to, guards[i].offset);
        to = vmp_put_varint(to, guards[i].place);
        to = vmp_put_varint(to, bridges ? bridges[i] : 0);
        rows.to = put_text(to, guards[i].text);
    }
    return end_rows(&rows);
}

int
vmp_encoder_operations(struct vmp_encoder *encoder, uint32_t id,
                       const struct vmprof_trace_operation *operations,
                       uint64_t count)
{
    struct rows rows;

    begin_rows(&rows, encoder, VMP_ENTRY_OPERATIONS, id);
    for (uint64_t i = 0; i < count; i++) {
        unsigned char *to = next_row(&rows);

        to = vmp_put_varint(to, operations[i].offset);
        to = vmp_put_varint(to, operations[i].place);
        to = vmp_put_varint(to, operations[i].guard);
        rows.to = put_text(to, operations[i].text);
    }
    return end_rows(&rows);
}

int
vmp_encoder_machine_code(struct vmp_encoder *encoder, uint32_t id,
                         const unsigned char *bytes, uint64_t size)
{
    int r = 0;

    for (uint64_t at = 0; at < size; at += ROWS_SIZE) {
        const uint64_t left = size - at;
        unsigned char head[2 * VMP_VARINT_MAX], *to = head;
        int sent;

        to = vmp_put_varint(vmp_put_varint(to, id), at);
        sent = put_entry(encoder, VMP_ENTRY_MACHINE_CODE, head,
                         (size_t)(to - head), bytes + at,
                         (size_t)(left < ROWS_SIZE ? left : ROWS_SIZE));
        r = sent < 0 ? sent : r;
    }
    return r;
}

void
vmp_encoder_begin_counts(struct vmp_encoder *encoder, uint64_t time_ns)
{
    encoder->counts_time = time_ns / encoder->unit_ns;
    encoder->counts.count = 0;
    encoder->counts.used = 0;
    encoder->counts_id = 0;
}

int
vmp_encoder_count_of(struct vmp_encoder *encoder, uint32_t id, uint64_t count)
{
    struct vmp_pending *const list = &encoder->counts;
    int r = 0;

    if (!vmp_pending_fits(list, COUNT_MAX))
        r = vmp_encoder_finish_counts(encoder);
    vmp_pending_put(list, id - encoder->counts_id);
    vmp_pending_put(list, count);
    list->count++;
    encoder->counts_id = id;
    return r;
}

int
vmp_encoder_finish_counts(struct vmp_encoder *encoder)
{
    encoder->counts_id = 0;
    return vmp_encoder_send_list(encoder, &encoder->counts, VMP_CHUNK_COUNTS);
}

int64_t
vmp_encoder_trace_frame(struct vmp_encoder *encoder, uint32_t id,
                        const struct vmp_place *place)
{
    return vmp_encoder_frame(
        encoder, (uint64_t)VMP_KIND_TRACE << KIND_SHIFT | (uint64_t)id * 4,
        place);
}
