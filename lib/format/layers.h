/* SPDX-License-Identifier: MIT */

/* What layers gather, in the native format: chunks EVENT COUNTS, LINES and
 * CALLS. */
#ifndef VMP_FORMAT_LAYERS_H
#define VMP_FORMAT_LAYERS_H

#include "encoder.h"
#include "format.h"

enum {
    VMP_ROWS_LOSSES = 3,
};

/* A row: two keys, and up to four numbers. */
struct vmp_layer_row {
    uint64_t a, b;
    uint64_t values[4];
};

/* One of three. */
struct vmp_rows_kind;

extern const struct vmp_rows_kind vmp_rows_event_counts, /* code, kind: count */
    vmp_rows_lines, /* code, line: whether it has run */
    vmp_rows_calls; /* caller, callee: calls, resumes, self, inclusive */

/*
 * Write rows: begin, any number of rows, finish. `losses`: what found no room;
 * of calls also returns without a call, and calls without a return. Return 0, or
 * what the sink or malloc said.
 */
void
vmp_encoder_begin_rows(struct vmp_encoder *encoder,
                       const struct vmp_rows_kind *kind, uint64_t time_ns,
                       const uint64_t losses[VMP_ROWS_LOSSES]);
int
vmp_encoder_row(struct vmp_encoder *encoder, const struct vmp_layer_row *row);
int
vmp_encoder_finish_rows(struct vmp_encoder *encoder);

/* Have a code named now that a row will have. */
int
vmp_encoder_name_code(struct vmp_encoder *encoder, uint64_t code);

#endif
