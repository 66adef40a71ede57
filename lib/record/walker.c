/* SPDX-License-Identifier: MIT */

/* VMs that can only be walked at a safe point: asked there by a tick, they
 * answer here. */

#include <vmprof/sampler.h>

#include <errno.h>
#include <string.h>

#include "session.h"
#include "signal/own_frames.h"
#include "signal/trace.h"
#include "signal/walked.h"

static int
record_walk(struct vmp_thread *thread, const struct vmprof_walked_frame *frames,
            size_t count, size_t cut)
{
    const uint64_t now_ns = vmp_now_ns(CLOCK_MONOTONIC);
    const uint64_t cpu_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    uint64_t weight_ns = vmp_weigh_own_frames(thread, now_ns, cpu_ns);
    struct vmp_record *record;

    if (count > vmp_session.max_frames) {
        frames += count - vmp_session.max_frames;
        cut += count - vmp_session.max_frames;
        count = vmp_session.max_frames;
    }
    weight_ns -= vmp_tell_system_time(thread, frames, (uint32_t)count, cut,
                                      now_ns, weight_ns);
    record = vmp_reserve_own_frames(thread, VMP_RECORD_WALKED, count,
                                    sizeof(*frames));
    if (!record)
        return 0;
    vmp_mark_walk(thread, frames, (uint32_t)count, cut);
    /* Where it was asked: a safe point is not in compiled code. */
    record->trace = thread->asked_in;
    record->phase = vmp_phase_in(thread, record->trace);
    record->cut = cut;
    if (count)
        memcpy(record + 1, frames, count * sizeof(*frames));
    vmp_commit_own_frames(thread, record, now_ns, cpu_ns, weight_ns);
    return 1;
}

/* What is still open when sampling ends is counted there. */
static int
answer(struct vmp_thread *thread, const struct vmprof_walked_frame *frames,
       size_t count, size_t cut)
{
    int r = 0;

    if (!atomic_load(&thread->requested) || !atomic_load(&vmp_session.sampling))
        return 0;
    if (vmp_is_paused())
        vmp_count(&thread->counters.lost_walker, 1);
    else
        r = record_walk(thread, frames, count, cut);
    atomic_store(&thread->requested, false);
    return r;
}

int
vmprof_sample_stack(struct vmprof_thread *head,
                    const struct vmprof_walked_frame *frames, size_t count,
                    size_t cut)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;
    enum vmp_busy busy;
    int r = 0, cancel_state;

    if (!thread || thread != vmp_current)
        return -ESRCH;
    if (!frames && count)
        return -EINVAL;
    /* A thread that is cancelled in between would be busy for ever. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    /* Inside its request the handler is busy for us. While the clock is replaced
     * nobody may be: the request stays open, and the next tick asks again. */
    busy = vmp_take(thread);
    if (busy == VMP_IDLE) {
        r = answer(thread, frames, count, cut);
        vmp_give_back(thread);
    } else if (busy == VMP_BUSY) {
        /* Who answers there may have found out which trace is current. */
        thread->asked_in = vmp_running_trace(thread);
        r = answer(thread, frames, count, cut);
    } else if (busy == VMP_LOOKED_AT) {
        vmp_give_back(thread);
    }
    pthread_setcancelstate(cancel_state, NULL);
    return r;
}
