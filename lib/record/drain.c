/* SPDX-License-Identifier: MIT */

#include "drain.h"

#include <errno.h>

#include "code.h"
#include "jit/follow.h"
#include "splice.h"

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
    if (vmp_code_place(code & VMP_CODE_ID_MASK, sampled->position, &place) == 0)
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

    return vmp_encoder_frame(
        encoder, vmp_code_and_kind(walked->code, walked->kind), &place);
}

static int64_t
linked_frame(struct vmp_encoder *encoder,
             const struct vmprof_linked_frame *linked, uint64_t *locations_lost)
{
    const struct vmp_sampled_frame sampled = {
        .code = vmp_code_and_kind(linked->code, linked->kind) |
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
follow(struct vmp_drain *drain, struct vmp_thread *thread,
       const struct vmp_record *record)
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
        r = extend(drain->encoder, thread, 0);
    for (uint32_t i = 0; i < record->added && r == 0; i++)
        r = extend(
            drain->encoder, thread,
            recorded_frame(drain->encoder, record, i, &drain->locations_lost));
    drain->stacks_cut += r < 0;
    return thread->path_count ? thread->path[thread->path_count - 1] : 0;
}

/* The node of a record's stack, and of the trace that ran on top of it. */
static uint32_t
follow_all(struct vmp_drain *drain, struct vmp_thread *thread,
           const struct vmp_record *record)
{
    const uint32_t top = follow(drain, thread, record),
                   count = thread->path_count;
    int64_t node;

    if (!record->trace)
        return top;
    node = vmp_follow_trace(&drain->traces, record, top,
                            count > 1 ? thread->path[count - 2] : 0);
    drain->stacks_cut += node < 0;
    return node < 0 ? top : (uint32_t)node;
}

/* Where the C function is that runs a frame of a record; 0: unknown. */
static uint64_t
place_of(const struct vmp_record *record, uint32_t i)
{
    const struct vmp_sampled_frame *sampled = (const void *)(record + 1);
    const struct vmprof_linked_frame *linked = (const void *)(record + 1);

    if (record->type == VMP_RECORD_LINKED)
        return linked[i].stack_pointer;
    if (record->parts & VMP_PART_PLACES)
        return ((const uint64_t *)(sampled + record->added))[i];
    return 0;
}

/* As follow(), but only what VM frames there are and where they stand. False
 * if memory did not do for all of them. */
static bool
place_frames(struct vmp_drain *drain, struct vmp_spliced *spliced,
             const struct vmp_record *record)
{
    const uint32_t outer = record->keep ? record->keep + !!record->cut : 0;

    if (outer > spliced->placed_count)
        return false;
    spliced->placed_count = outer;
    if (record->cut && !outer)
        spliced->placed[spliced->placed_count++] =
            (struct vmp_placed_frame){ 0 };
    for (uint32_t i = 0; i < record->added; i++) {
        const int64_t frame =
            recorded_frame(drain->encoder, record, i, &drain->locations_lost);

        if (frame < 0)
            return false;
        spliced->placed[spliced->placed_count++] = (struct vmp_placed_frame){
            .place = place_of(record, i),
            .frame = (uint32_t)frame,
        };
    }
    return true;
}

/* Whether native frames end before one that VM frames stand on. */
static bool
ends_early(const struct vmp_spliced *spliced, const struct vmp_native *native,
           uint64_t cfa)
{
    for (uint32_t i = 0; i < spliced->placed_count; i++)
        if (spliced->placed[i].place >= cfa &&
            spliced->placed[i].place < native->end)
            return true;
    return false;
}

static void
count_end(struct vmp_drain *drain, const struct vmp_spliced *spliced,
          const struct vmp_record *record, size_t count,
          enum vmp_unwind_end end)
{
    const struct vmp_native *const native = vmp_record_native(record);

    if (record->parts & VMP_PART_CHAIN && end == VMP_UNWIND_WHOLE && count &&
        ends_early(spliced, native, spliced->native[count - 1].cfa))
        end = VMP_UNWIND_FAILED;
    drain->native_cut += end == VMP_UNWIND_CUT;
    drain->native_failed += end == VMP_UNWIND_FAILED;
    for (size_t i = 0; i < count; i++)
        drain->locations_lost += spliced->native[i].is_lost;
}

static bool
has_compiled_frames(const struct vmp_record *record)
{
    const struct vmprof_linked_frame *linked = (const void *)(record + 1);

    for (uint32_t i = 0; i < record->added; i++)
        if (linked[i].kind == VMPROF_KIND_JITTED)
            return true;
    return false;
}

/* What the VM's linked frames tell of native ones. Returns how many of these
 * are left. */
static size_t
place_linked(struct vmp_drain *drain, struct vmp_spliced *spliced,
             const struct vmp_record *record, size_t count)
{
    struct vmp_extent *const main_loop = &drain->main_loop;

    if (has_compiled_frames(record))
        count = vmp_leave_out_made_code(spliced->native, count);
    if (main_loop->start && !main_loop->end)
        main_loop->end = vmp_unwinder_end(drain->unwinder, main_loop->start);
    if (main_loop->end && count)
        vmp_place_in_main_loop(spliced->placed, spliced->placed_count,
                               spliced->native, count,
                               vmp_record_native(record)->sp, main_loop);
    return count;
}

/* The trace of a record, unless it is one of the native frames: on top of the VM
 * frames. Returns false if memory did not do. */
static bool
place_trace(struct vmp_drain *drain, struct vmp_spliced *spliced,
            const struct vmp_record *record, size_t native_count)
{
    const vmprof_jit_id id = record->trace & (VMPROF_JIT_MAX_IDS - 1);
    int64_t frame;

    if (!id)
        return true;
    for (size_t i = 0; i < native_count; i++)
        if (spliced->native[i].trace == id)
            return true;
    frame = vmp_tell_frame(&drain->traces, record->trace);
    if (frame > 0)
        spliced->placed[spliced->placed_count++] =
            (struct vmp_placed_frame){ .frame = (uint32_t)frame };
    return frame >= 0;
}

/* The node of a record's stack with its native frames; nodes are asked for from
 * the first frame that differs from the last stack's. */
static uint32_t
follow_native(struct vmp_drain *drain, struct vmp_thread *thread,
              const struct vmp_record *record)
{
    struct vmp_spliced *const spliced = thread->spliced;
    enum vmp_unwind_end end;
    uint32_t same = 0, placed_count;
    size_t count;
    bool is_whole = place_frames(drain, spliced, record);

    placed_count = spliced->placed_count;
    count = vmp_unwind(drain->unwinder, record, &spliced->chain,
                       spliced->native, &end);
    count_end(drain, spliced, record, count, end);
    if (record->type == VMP_RECORD_LINKED)
        count = place_linked(drain, spliced, record, count);
    if (!place_trace(drain, spliced, record, count))
        is_whole = false;
    count = vmp_splice(spliced->placed, spliced->placed_count, spliced->native,
                       count, count ? vmp_record_native(record)->sp : 0,
                       spliced->now);
    spliced->placed_count = placed_count;
    while (same < count && same < thread->path_count &&
           spliced->now[same] == spliced->last[same])
        same++;
    thread->path_count = same;
    for (size_t i = same; i < count; i++) {
        spliced->last[i] = spliced->now[i];
        if (extend(drain->encoder, thread, spliced->now[i]) < 0) {
            is_whole = false;
            break;
        }
    }
    drain->stacks_cut += !is_whole;
    return thread->path_count ? thread->path[thread->path_count - 1] : 0;
}

/* Where VM frame `i` of the last sample is on the path; past its end if it is
 * not. */
static uint32_t
path_index(const struct vmp_thread *thread, uint32_t i)
{
    if (!thread->spliced)
        return i;
    return i < thread->spliced->placed_count ? thread->spliced->placed[i].index
                                             : thread->path_count;
}

/* The frame of a gap: one that no code has. */
static int64_t
gap_node(struct vmp_encoder *encoder, uint32_t parent, unsigned kind)
{
    const struct vmp_place nowhere = { 0 };
    const int64_t frame =
        vmp_encoder_frame(encoder, (uint64_t)kind << VMP_KIND_SHIFT, &nowhere);

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

/* The node of a gap, or a negative errno. The path is still that of the record
 * before. */
static int64_t
follow_gap(struct vmp_encoder *encoder, const struct vmp_thread *thread,
           const struct vmp_record *record)
{
    const struct vmp_sampled_frame *sampled = (const void *)(record + 1);
    const uint32_t outer = path_index(thread, record->keep + !!record->cut);
    uint32_t parent = 0;
    int64_t node;

    if (record->added && outer < thread->path_count) {
        node = lasting_node(encoder, thread, outer, sampled);
        parent = node < 0 ? thread->path[outer] : (uint32_t)node;
    }
    return gap_node(encoder, parent, record->kind);
}

/* Where memory is too short to say what time is a gap's, the next sample has it:
 * without the gap's own frame it would look like one more sample. */
static void
tell_gap(struct vmp_drain *drain, struct vmp_thread *thread,
         const struct vmp_record *record, int64_t node, uint64_t time_ns)
{
    if (node >= 0) {
        vmp_encoder_gap(drain->encoder, (uint32_t)node, time_ns,
                        record->weight_ns, record->phase);
        return;
    }
    thread->unsaid_ns += record->weight_ns;
    drain->stacks_cut++;
}

/* The node of a record's whole stack. */
static uint32_t
follow_stack(struct vmp_drain *drain, struct vmp_thread *thread,
             const struct vmp_record *record)
{
    return thread->spliced ? follow_native(drain, thread, record)
                           : follow_all(drain, thread, record);
}

static void
drain_record(struct vmp_drain *drain, struct vmp_thread *thread,
             const struct vmp_record *record)
{
    struct vmp_encoder *const encoder = drain->encoder;
    const uint64_t time_ns = record->time_ns > drain->start_ns
                                 ? record->time_ns - drain->start_ns
                                 : 0;

    if (drain->has_memory && record->type != VMP_RECORD_GAP &&
        record->memory_kb)
        vmp_encoder_memory(encoder, record->memory_kb);
    if (record->type == VMP_RECORD_GAP) {
        const int64_t node = follow_gap(encoder, thread, record);

        tell_gap(drain, thread, record, node, time_ns);
        return;
    }
    if (record->type == VMP_RECORD_SYSTEM) {
        const uint32_t top = follow_stack(drain, thread, record);

        tell_gap(drain, thread, record, gap_node(encoder, top, VMP_KIND_SYSTEM),
                 time_ns);
        return;
    }
    vmp_encoder_sample(encoder, follow_stack(drain, thread, record), time_ns,
                       record->weight_ns + thread->unsaid_ns, record->phase,
                       record->state);
    thread->unsaid_ns = 0;
}

void
vmp_drain(struct vmp_drain *drain, struct vmp_thread *thread)
{
    const struct vmp_record *record;
    size_t left = thread->ring.size, size;

    vmp_encoder_begin(drain->encoder, &thread->stream);
    while (left && (record = vmp_ring_peek(&thread->ring))) {
        size = record->size;
        drain_record(drain, thread, record);
        vmp_ring_consume(&thread->ring, record);
        left -= size < left ? size : left;
    }
    vmp_encoder_finish(drain->encoder);
}
