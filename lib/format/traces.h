/* SPDX-License-Identifier: MIT */

/* What a JIT has compiled, in the native format: chunks TRACES and COUNTS. */
#ifndef VMP_FORMAT_TRACES_H
#define VMP_FORMAT_TRACES_H

#include <vmprof/trace.h>

#include "encoder.h"
#include "format.h"

/* What a file says of a trace; times are those of the session's clock. */
struct vmp_trace_info {
    uint32_t id, first_guard;
    uint64_t guard_count;
    const struct vmprof_trace *told; /* NULL: it was never registered */
    uint64_t code;                   /* of one without, and the line */
    uint32_t line;
    uint32_t parent; /* with that of the guard */
    uint64_t address;
    const char *reason; /* NULL: its compilation did not come to nothing */
    enum vmp_trace_state state;
    uint64_t since_ns, until_ns; /* and whether they are in the session */
    bool has_since, has_until;
};

/*
 * Write traces: any number of these, then finish, after which all is in the
 * sink's hands. What it says first goes out before what refers to it. All return 0,
 * or what the sink or malloc said.
 */
int
vmp_encoder_trace(struct vmp_encoder *encoder,
                  const struct vmp_trace_info *info);
int
vmp_encoder_places(struct vmp_encoder *encoder, uint32_t id,
                   const struct vmprof_trace_place *places, uint64_t count);
int
vmp_encoder_positions(struct vmp_encoder *encoder, uint32_t id,
                      const struct vmprof_trace_position *positions,
                      uint64_t count);

/* `bridges` by guard; NULL: none has one. */
int
vmp_encoder_guards(struct vmp_encoder *encoder, uint32_t id,
                   const struct vmprof_trace_guard *guards,
                   const uint32_t *bridges, uint64_t count);
int
vmp_encoder_operations(struct vmp_encoder *encoder, uint32_t id,
                       const struct vmprof_trace_operation *operations,
                       uint64_t count);
int
vmp_encoder_machine_code(struct vmp_encoder *encoder, uint32_t id,
                         const unsigned char *bytes, uint64_t size);
int
vmp_encoder_finish_traces(struct vmp_encoder *encoder);

/* Write counts of ids, which ascend: begin, any number, finish. */
void
vmp_encoder_begin_counts(struct vmp_encoder *encoder, uint64_t time_ns);
int
vmp_encoder_count_of(struct vmp_encoder *encoder, uint32_t id, uint64_t count);
int
vmp_encoder_finish_counts(struct vmp_encoder *encoder);

/* The index of the frame of a trace, or -ENOMEM. */
int64_t
vmp_encoder_trace_frame(struct vmp_encoder *encoder, uint32_t id,
                        const struct vmp_place *place);

#endif
