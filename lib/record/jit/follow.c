/* SPDX-License-Identifier: MIT */

#include "follow.h"

#include <vmprof/sampler.h>

#include "../../format/traces.h"

enum {
    KIND_SHIFT = 56,
    MOST_INLINED = 32,
};

static const uint64_t CODE_ID_MASK = ((uint64_t)1 << KIND_SHIFT) - 1;

/* The code of the innermost frame that a record holds; 0: unknown. */
static uint64_t
innermost_code(const struct vmp_record *record)
{
    const struct vmp_sampled_frame *const sampled = (const void *)(record + 1);
    const struct vmprof_linked_frame *const linked = (const void *)(record + 1);
    const struct vmprof_walked_frame *const walked = (const void *)(record + 1);
    const uint32_t last = record->added - 1;

    if (!record->added)
        return 0;
    if (record->type == VMP_RECORD_LINKED)
        return linked[last].code;
    if (record->type == VMP_RECORD_WALKED)
        return walked[last].code;
    return sampled[last].code & CODE_ID_MASK;
}

/* One function more, of compiled code. */
static int64_t
extend(struct vmp_encoder *encoder, int64_t node,
       const struct vmprof_trace_place *function)
{
    const struct vmp_place place = { .line = function->line };
    const int64_t frame = vmp_encoder_frame(
        encoder, function->code | (uint64_t)VMPROF_KIND_JITTED << KIND_SHIFT,
        &place);

    return frame < 0 || node < 0
               ? frame
               : vmp_encoder_node(encoder, (uint32_t)node, (uint32_t)frame);
}

/* In a log the functions in a trace are frames of compiled code, beneath the
 * trace, and the first stands for the frame that it is of. */
static int64_t
follow_functions(struct vmp_telling *telling, const struct vmp_record *record,
                 uint32_t top, uint32_t beneath)
{
    const struct vmp_trace *const trace =
        vmp_traces_lookup(record->trace & (VMPROF_JIT_MAX_IDS - 1));
    const uint64_t offset = record->trace >> VMP_RUNS_AT_SHIFT;
    struct vmprof_trace_place functions[MOST_INLINED];
    const uint32_t count =
        vmp_traces_inlined(trace, record->trace & VMP_RUNS_AT ? &offset : NULL,
                           functions, MOST_INLINED);
    const uint64_t code = innermost_code(record);
    int64_t node = count && code && functions[0].code == code ? beneath : top;

    for (uint32_t i = 0; i < count && node >= 0; i++)
        node = extend(telling->encoder, node, &functions[i]);
    return node;
}

int64_t
vmp_follow_trace(struct vmp_telling *telling, const struct vmp_record *record,
                 uint32_t top, uint32_t beneath)
{
    const int64_t frame = vmp_tell_frame(telling, record->trace);
    int64_t node = top;

    if (frame <= 0)
        return frame < 0 ? frame : top;
    if (!telling->has_chunks)
        node = follow_functions(telling, record, top, beneath);
    return node < 0 ? node
                    : vmp_encoder_node(telling->encoder, (uint32_t)node,
                                       (uint32_t)frame);
}
