/* SPDX-License-Identifier: MIT */

#include "layers.h"

#include "encoder_state.h"

enum {
    ROW_MAX = 6 * VMP_VARINT_MAX,
};

struct vmp_rows_kind {
    enum vmp_chunk_type type;
    unsigned losses; /* that its head has */
    bool b_is_code;
    void (*put)(struct vmp_pending *list, const struct vmp_layer_row *row);
};

static void
put_count(struct vmp_pending *list, const struct vmp_layer_row *row)
{
    vmp_pending_put(list, row->a / 4);
    vmp_pending_put(list, row->b);
    vmp_pending_put(list, row->values[0]);
}

static void
put_line(struct vmp_pending *list, const struct vmp_layer_row *row)
{
    vmp_pending_put(list, row->a / 4);
    vmp_pending_put(list, row->b << 1 | (row->values[0] != 0));
}

static void
put_call(struct vmp_pending *list, const struct vmp_layer_row *row)
{
    vmp_pending_put(list, row->a == UINT64_MAX ? 0 : row->a / 4 + 1);
    vmp_pending_put(list, row->b / 4);
    for (unsigned i = 0; i < 4; i++)
        vmp_pending_put(list, row->values[i]);
}

const struct vmp_rows_kind vmp_rows_event_counts = {
    .type = VMP_CHUNK_EVENT_COUNTS,
    .losses = 1,
    .put = put_count,
};
const struct vmp_rows_kind vmp_rows_lines = {
    .type = VMP_CHUNK_LINES,
    .losses = 1,
    .put = put_line,
};
const struct vmp_rows_kind vmp_rows_calls = {
    .type = VMP_CHUNK_CALLS,
    .losses = VMP_ROWS_LOSSES,
    .b_is_code = true,
    .put = put_call,
};

int
vmp_encoder_name_code(struct vmp_encoder *encoder, uint64_t code)
{
    return code == UINT64_MAX ? 0 : vmp_encoder_define_code(encoder, code);
}

static void
put_head(struct vmp_encoder *encoder, uint64_t time,
         const uint64_t losses[VMP_ROWS_LOSSES])
{
    unsigned char *to = vmp_put_varint(encoder->rows_head, time);

    for (unsigned i = 0; i < encoder->rows_kind->losses; i++)
        to = vmp_put_varint(to, losses[i]);
    encoder->rows_head_size = (size_t)(to - encoder->rows_head);
}

void
vmp_encoder_begin_rows(struct vmp_encoder *encoder,
                       const struct vmp_rows_kind *kind, uint64_t time_ns,
                       const uint64_t losses[VMP_ROWS_LOSSES])
{
    bool is_lossy = false;

    for (unsigned i = 0; i < kind->losses; i++)
        is_lossy = is_lossy || losses[i];
    encoder->rows_kind = kind;
    encoder->rows_time = time_ns / encoder->unit_ns;
    encoder->rows.count = 0;
    encoder->rows.used = 0;
    encoder->rows_are_lossy = is_lossy;
    put_head(encoder, encoder->rows_time, losses);
}

int
vmp_encoder_row(struct vmp_encoder *encoder, const struct vmp_layer_row *row)
{
    struct vmp_pending *const list = &encoder->rows;
    int r = vmp_encoder_name_code(encoder, row->a), sent = 0;

    if (r == 0 && encoder->rows_kind->b_is_code)
        r = vmp_encoder_name_code(encoder, row->b);
    if (r < 0)
        return r;
    if (!vmp_pending_fits(list, ROW_MAX))
        sent = vmp_encoder_finish_rows(encoder);
    encoder->rows_kind->put(list, row);
    list->count++;
    return sent;
}

int
vmp_encoder_finish_rows(struct vmp_encoder *encoder)
{
    static const uint64_t none[VMP_ROWS_LOSSES];
    int defined, sent;

    if (!encoder->rows.count && !encoder->rows_are_lossy)
        return 0;
    defined = vmp_encoder_send_definitions(encoder);
    sent = vmp_encoder_send_payload(encoder, &encoder->rows,
                                    encoder->rows_kind->type);
    /* Losses add up, so that what else comes has none. */
    encoder->rows_are_lossy = false;
    put_head(encoder, encoder->rows_time, none);
    return defined < 0 ? defined : sent;
}
