/* SPDX-License-Identifier: MIT */

/* Frames that a VM keeps itself: read at a tick, or given by a walker. Signal
 * context. */

#include "own_frames.h"

#include "../session.h"
#include "capture.h"
#include "sample.h"
#include "trace.h"
#include "weight.h"

enum {
    LEAST_ROOM = 64, /* frames */
};

struct vmp_record *
vmp_reserve_own_frames(struct vmp_thread *thread, enum vmp_record_type type,
                       size_t count, size_t frame_size)
{
    struct vmp_record *const record =
        vmp_reserve_record(thread, count, frame_size);

    if (!record)
        return NULL;
    /* No frame of this record is one of a stack's. */
    thread->last.segment_count = 0;
    record->type = (uint8_t)type;
    record->phase = (uint8_t)thread->head.phase;
    record->state = 0;
    record->keep = 0;
    record->cut = 0;
    return record;
}

static void
record_off_cpu(struct vmp_thread *thread, uint64_t now_ns, uint64_t weight_ns)
{
    struct vmp_record *record;

    vmp_count(&thread->counters.expirations, 1);
    record = vmp_reserve_own_frames(thread, VMP_RECORD_WALKED, 0, 0);
    if (!record)
        return;
    record->state = VMP_STATE_OFF_CPU;
    record->time_ns = now_ns;
    record->weight_ns = weight_ns;
    vmp_commit_record(thread, record);
    thread->last_time_ns += weight_ns;
}

uint64_t
vmp_weigh_own_frames(struct vmp_thread *thread, uint64_t now_ns,
                     uint64_t cpu_ns)
{
    const uint64_t used_ns = vmp_weigh(thread, cpu_ns, false);
    const uint64_t passed_ns = now_ns - thread->last_time_ns;

    if (vmp_session.mode != VMPROF_MODE_WALL)
        return used_ns;
    if (passed_ns <= used_ns + vmp_session.interval_ns)
        return passed_ns;
    record_off_cpu(thread, now_ns, passed_ns - used_ns);
    return used_ns;
}

void
vmp_commit_own_frames(struct vmp_thread *thread, struct vmp_record *record,
                      uint64_t now_ns, uint64_t cpu_ns, uint64_t weight_ns)
{
    record->time_ns = now_ns;
    record->weight_ns = weight_ns;
    vmp_commit_record(thread, record);
    vmp_charge(thread, cpu_ns, weight_ns);
    /* Not up to now, if there was no room for the time off the CPU. */
    thread->last_time_ns += weight_ns;
}

static void
reverse(struct vmprof_linked_frame *frames, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        const struct vmprof_linked_frame swapped = frames[i];
        frames[i] = frames[count - 1 - i];
        frames[count - 1 - i] = swapped;
    }
}

/* What is asked for has to be free in one piece: usually a few frames more than
 * the last sample had are enough. */
static size_t
usual_room(const struct vmp_thread *thread)
{
    const size_t room = 2 * (size_t)thread->frames_read;

    if (room >= vmp_session.max_frames)
        return vmp_session.max_frames;
    if (room >= LEAST_ROOM)
        return room;
    return LEAST_ROOM < vmp_session.max_frames ? LEAST_ROOM
                                               : vmp_session.max_frames;
}

/* No record: the ring had no room for so many frames. */
static size_t
read_into(struct vmp_thread *thread, struct vmp_capture *capture, size_t room,
          struct vmp_record **record, size_t *cut)
{
    const size_t frame_size = sizeof(struct vmprof_linked_frame);

    *cut = 0;
    vmp_capture_reserve(capture, thread, room * frame_size);
    *record =
        vmp_reserve_own_frames(thread, VMP_RECORD_LINKED, room, frame_size);
    if (!*record)
        return 0;
    return thread->read(&thread->head, thread->context,
                        (struct vmprof_linked_frame *)(*record + 1), room, cut,
                        thread->read_user);
}

void
vmp_read_own_frames(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns)
{
    const uint64_t weight_ns = vmp_weigh_own_frames(thread, now_ns, cpu_ns);
    size_t room = usual_room(thread), cut, count;
    struct vmp_capture capture;
    struct vmp_record *record;

    vmp_capture_open(&capture, thread);
    count = read_into(thread, &capture, room, &record, &cut);
    if (count != VMPROF_UNREADABLE && (cut || count > room) &&
        room < vmp_session.max_frames) {
        room = vmp_session.max_frames;
        count = read_into(thread, &capture, room, &record, &cut);
    }
    if (!record)
        return;
    if (count == VMPROF_UNREADABLE) {
        vmp_count(&thread->counters.lost_switching, 1);
        return;
    }
    if (count > room) {
        cut += count - room;
        count = room;
    }
    thread->frames_read = (uint32_t)count;
    reverse((struct vmprof_linked_frame *)(record + 1), count);
    record->trace = vmp_running_trace(thread);
    record->phase = vmp_phase_in(thread, record->trace);
    record->cut = cut;
    record->added = (uint32_t)count;
    record->size = (uint32_t)(sizeof(*record) +
                              count * sizeof(struct vmprof_linked_frame));
    vmp_capture_take(&capture, thread, record);
    vmp_commit_own_frames(thread, record, now_ns, cpu_ns, weight_ns);
}
