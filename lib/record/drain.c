/* SPDX-License-Identifier: MIT */

#include "drain.h"

#include <errno.h>

#include "code.h"

enum {
    KIND_SHIFT = 56,
};

static const uint64_t CODE_ID_MASK = ((uint64_t)1 << KIND_SHIFT) - 1;

/* The frame of a position, whose place is asked for when it is new. */
static int64_t
frame_of(struct vmp_encoder *encoder, const struct vmp_sampled_frame *sampled,
         uint64_t *locations_lost)
{
    const uint64_t code = sampled->code & ~VMP_HAS_POSITION;
    struct vmp_place place = { 0 };
    int64_t frame;

    if (!(sampled->code & VMP_HAS_POSITION))
        return vmp_encoder_frame(encoder, code, &place);
    frame = vmp_encoder_find_frame(encoder, code, sampled->position);
    if (frame >= 0)
        return frame;
    if (vmp_code_place(code & CODE_ID_MASK, sampled->position, &place) == 0)
        return vmp_encoder_add_frame(encoder, code, sampled->position, &place);
    ++*locations_lost;
    return vmp_encoder_frame(encoder, code, &place);
}

static int64_t
walked_frame(struct vmp_encoder *encoder,
             const struct vmprof_walked_frame *walked)
{
    const struct vmp_place place = {
        .offset = walked->offset,
        .line = walked->line,
        .has_offset = walked->offset != 0,
    };
    const uint64_t kind =
        walked->kind == VMPROF_KIND_CODE ? 0 : walked->kind & 15;

    return vmp_encoder_frame(
        encoder, (walked->code & CODE_ID_MASK) | kind << KIND_SHIFT, &place);
}

static int64_t
linked_frame(struct vmp_encoder *encoder,
             const struct vmprof_linked_frame *linked, uint64_t *locations_lost)
{
    const uint64_t kind =
        linked->kind == VMPROF_KIND_CODE ? 0 : linked->kind & 15;
    const struct vmp_sampled_frame sampled = {
        .code = (linked->code & CODE_ID_MASK) | kind << 56 |
                (linked->has_position ? VMP_HAS_POSITION : 0),
        .position = linked->position,
    };

    return frame_of(encoder, &sampled, locations_lost);
}

/* Frame `i` of those that a record holds. */
static int64_t
recorded_frame(struct vmp_encoder *encoder, const struct vmp_record *record,
               uint32_t i, uint64_t *locations_lost)
{
    const void *const frames = record + 1;

    if (record->type == VMP_RECORD_WALKED)
        return walked_frame(encoder,
                            (const struct vmprof_walked_frame *)frames + i);
    if (record->type == VMP_RECORD_LINKED)
        return linked_frame(encoder,
                            (const struct vmprof_linked_frame *)frames + i,
                            locations_lost);
    return frame_of(encoder, (const struct vmp_sampled_frame *)frames + i,
                    locations_lost);
}

/* Put one more frame on the path. On failure the path ends here. */
static int
extend(struct vmp_encoder *encoder, struct vmp_thread *thread, int64_t frame)
{
    const uint32_t count = thread->path_count;
    const uint32_t parent = count ? thread->path[count - 1] : 0;
    const int64_t node =
        frame < 0 ? frame : vmp_encoder_node(encoder, parent, (uint32_t)frame);

    if (node < 0)
        return (int)node;
    thread->path[thread->path_count++] = (uint32_t)node;
    return 0;
}

/* The node of a record's stack, and the path to it for the next record. */
static uint32_t
follow(struct vmp_encoder *encoder, struct vmp_thread *thread,
       const struct vmp_record *record, uint64_t *locations_lost)
{
    /* Frames left out stand as one frame beneath all others. */
    const uint32_t outer = record->keep ? record->keep + !!record->cut : 0;
    int r = 0;

    /* After a failure the path is too short for what was kept: the stack then
     * ends where it is known, as it did in the sample that failed. */
    if (outer > thread->path_count)
        r = -ENOMEM;
    else
        thread->path_count = outer;
    if (record->cut && !outer)
        r = extend(encoder, thread, 0);
    for (uint32_t i = 0; i < record->added && r == 0; i++)
        r = extend(encoder, thread,
                   recorded_frame(encoder, record, i, locations_lost));
    return thread->path_count ? thread->path[thread->path_count - 1] : 0;
}

/* The frame of a gap: one that no code has. */
static int64_t
gap_node(struct vmp_encoder *encoder, uint32_t parent, unsigned kind)
{
    const struct vmp_place nowhere = { 0 };
    const int64_t frame =
        vmp_encoder_frame(encoder, (uint64_t)kind << KIND_SHIFT, &nowhere);

    return frame < 0 ? frame
                     : vmp_encoder_node(encoder, parent, (uint32_t)frame);
}

/* The innermost frame that was active all the time: where in it the time went
 * is known if it is at the same place as in the last record. */
static int64_t
lasting_node(struct vmp_encoder *encoder, const struct vmp_thread *thread,
             uint32_t outer, const struct vmp_sampled_frame *sampled)
{
    const uint32_t parent = outer ? thread->path[outer - 1] : 0;
    const struct vmp_place nowhere = { 0 };
    uint64_t ignored = 0; /* counted with the sample that follows */
    int64_t frame = frame_of(encoder, sampled, &ignored);
    int64_t node =
        frame < 0 ? frame : vmp_encoder_node(encoder, parent, (uint32_t)frame);

    if (node < 0 || (uint32_t)node == thread->path[outer])
        return node;
    frame =
        vmp_encoder_frame(encoder, sampled->code & ~VMP_HAS_POSITION, &nowhere);
    return frame < 0 ? frame
                     : vmp_encoder_node(encoder, parent, (uint32_t)frame);
}

/* The node of a gap. The path is still that of the record before. */
static uint32_t
follow_gap(struct vmp_encoder *encoder, const struct vmp_thread *thread,
           const struct vmp_record *record)
{
    const struct vmp_sampled_frame *sampled = (const void *)(record + 1);
    const uint32_t outer = record->keep + !!record->cut;
    uint32_t parent = 0;
    int64_t node;

    if (record->added && outer < thread->path_count) {
        node = lasting_node(encoder, thread, outer, sampled);
        parent = node < 0 ? thread->path[outer] : (uint32_t)node;
    }
    node = gap_node(encoder, parent, record->kind);
    return node < 0 ? parent : (uint32_t)node;
}

static void
drain_record(struct vmp_encoder *encoder, struct vmp_thread *thread,
             const struct vmp_record *record, uint64_t start_ns,
             uint64_t *locations_lost)
{
    const uint64_t time_ns =
        record->time_ns > start_ns ? record->time_ns - start_ns : 0;

    if (record->type == VMP_RECORD_GAP)
        vmp_encoder_gap(encoder, follow_gap(encoder, thread, record), time_ns,
                        record->weight_ns, record->phase);
    else
        vmp_encoder_sample(
            encoder, follow(encoder, thread, record, locations_lost), time_ns,
            record->weight_ns, record->phase, record->state);
}

void
vmp_drain(struct vmp_encoder *encoder, struct vmp_thread *thread,
          uint64_t start_ns, uint64_t *locations_lost)
{
    const struct vmp_record *record;

    vmp_encoder_begin(encoder, &thread->stream);
    while ((record = vmp_ring_peek(&thread->ring))) {
        drain_record(encoder, thread, record, start_ns, locations_lost);
        vmp_ring_consume(&thread->ring, record);
    }
    vmp_encoder_finish(encoder);
}
