/* SPDX-License-Identifier: MIT */

/* VMs that can only be walked at a safe point: asked there by a tick, they
 * answer here. */

#include <vmprof/sampler.h>

#include <errno.h>
#include <string.h>

#include "session.h"
#include "signal/sample.h"

int
vmprof_request_sample(struct vmprof_thread *head,
                      vmprof_request_function request, void *user)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;

    if (!thread || thread != vmp_current)
        return -ESRCH;
    vmp_threads_lock();
    /* A tick in between sees the old pair or no function at all. */
    thread->request = NULL;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->request_user = user;
    if (atomic_exchange(&thread->requested, false))
        vmp_count(&thread->counters.lost_walker, 1);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    thread->request = request;
    if (request)
        vmp_session_start_clock(thread);
    else if (vmp_session.mode == VMPROF_MODE_WALL)
        vmp_clock_stop(&thread->clock);
    vmp_threads_unlock();
    return 0;
}

static struct vmp_record *
reserve_walked(struct vmp_thread *thread, size_t count, uint64_t now_ns)
{
    struct vmp_record *const record =
        vmp_reserve_record(thread, count, sizeof(struct vmprof_walked_frame));

    if (!record)
        return NULL;
    /* No frame of this record is one of a stack's. */
    thread->last.segment_count = 0;
    record->type = VMP_RECORD_WALKED;
    record->phase = (uint8_t)thread->head.phase;
    record->state = 0;
    record->time_ns = now_ns;
    record->keep = 0;
    record->cut = 0;
    return record;
}

/* In wall mode a thread is asked while it is on a CPU. How long it was not is
 * known, where it was then is not. */
static void
record_off_cpu(struct vmp_thread *thread, uint64_t now_ns, uint64_t weight_ns)
{
    struct vmp_record *record;

    vmp_count(&thread->counters.expirations, 1);
    record = reserve_walked(thread, 0, now_ns);
    if (!record)
        return;
    record->state = VMP_STATE_OFF_CPU;
    record->weight_ns = weight_ns;
    vmp_commit_record(thread, record);
    thread->last_time_ns += weight_ns;
}

void
vmp_walker_close(struct vmp_thread *thread)
{
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);
    const uint64_t used_ns = thread->cpu_end_ns - thread->last_cpu_ns;
    const uint64_t passed_ns = now_ns - thread->last_time_ns;

    if (vmp_session.mode == VMPROF_MODE_WALL &&
        passed_ns > used_ns + vmp_session.interval_ns)
        record_off_cpu(thread, now_ns, passed_ns - used_ns);
}

static int
record_walk(struct vmp_thread *thread, const struct vmprof_walked_frame *frames,
            size_t count, size_t cut)
{
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);
    const uint64_t cpu_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    const uint64_t used_ns =
        cpu_ns > thread->last_cpu_ns ? cpu_ns - thread->last_cpu_ns : 0;
    uint64_t weight_ns = used_ns;
    struct vmp_record *record;

    if (count > vmp_session.max_frames) {
        frames += count - vmp_session.max_frames;
        cut += count - vmp_session.max_frames;
        count = vmp_session.max_frames;
    }
    if (vmp_session.mode == VMPROF_MODE_WALL) {
        const uint64_t passed_ns = now_ns - thread->last_time_ns;
        if (passed_ns > used_ns + vmp_session.interval_ns)
            record_off_cpu(thread, now_ns, passed_ns - used_ns);
        else
            weight_ns = passed_ns;
    }
    record = reserve_walked(thread, count, now_ns);
    if (!record)
        return 0;
    record->cut = cut;
    record->weight_ns = weight_ns;
    if (count)
        memcpy(record + 1, frames, count * sizeof(*frames));
    vmp_commit_record(thread, record);
    thread->last_cpu_ns = cpu_ns;
    /* Not up to now, if there was no room for the time off the CPU. */
    thread->last_time_ns += weight_ns;
    return 1;
}

int
vmprof_sample_stack(struct vmprof_thread *head,
                    const struct vmprof_walked_frame *frames, size_t count,
                    size_t cut)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;
    int r = 0;

    if (!thread || thread != vmp_current)
        return -ESRCH;
    if (!frames && count)
        return -EINVAL;
    atomic_store(&thread->busy, true);
    /* What is still open when sampling ends is counted there. */
    if (atomic_load(&thread->requested) && atomic_load(&vmp_session.sampling)) {
        if (atomic_load(&vmp_session.paused) > 0)
            vmp_count(&thread->counters.lost_walker, 1);
        else
            r = record_walk(thread, frames, count, cut);
        atomic_store(&thread->requested, false);
    }
    atomic_store_explicit(&thread->busy, false, memory_order_release);
    return r;
}
