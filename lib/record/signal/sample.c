/* SPDX-License-Identifier: MIT */

/* One sample of the calling thread, from tick to record. Signal context. */

#include "sample.h"

#include "../session.h"
#include "capture.h"
#include "memory.h"
#include "own_frames.h"
#include "takeover.h"
#include "trace.h"
#include "weight.h"

struct vmp_record *
vmp_reserve_record(struct vmp_thread *thread, size_t added, size_t frame_size)
{
    const size_t size = sizeof(struct vmp_record) + added * frame_size;
    struct vmp_record *const record = vmp_ring_reserve(&thread->ring, size);

    if (!record) {
        vmp_count(&thread->counters.lost_ring_full, 1);
        return NULL;
    }
    record->size = (uint32_t)size;
    record->parts = 0;
    record->added = (uint32_t)added;
    record->trace = 0;
    return record;
}

/* Room for the frames, and with native ones for their places. */
static struct vmp_record *
reserve_frames(struct vmp_thread *thread, size_t added,
               struct vmp_capture *capture)
{
    const size_t frame_size = sizeof(struct vmp_sampled_frame),
                 placed_size = frame_size + sizeof(uint64_t);

    if (!vmp_session.native)
        return vmp_reserve_record(thread, added, frame_size);
    vmp_capture_open(capture, thread);
    vmp_capture_reserve(capture, thread, added * placed_size);
    return vmp_reserve_record(thread, added, placed_size);
}

/* What follows the frames of a record, with native frames. */
static void
add_native(struct vmp_thread *thread, const struct vmp_window *window,
           const struct vmp_capture *capture, struct vmp_record *record)
{
    struct vmp_sampled_frame *const frames =
        (struct vmp_sampled_frame *)(record + 1);

    if (!vmp_session.native)
        return;
    record->parts = VMP_PART_PLACES;
    vmp_capture_places(capture, thread, window,
                       (uint64_t *)(frames + record->added));
    vmp_capture_take(capture, thread, record);
}

void
vmp_commit_record(struct vmp_thread *thread, struct vmp_record *record)
{
    record->weight_ns += thread->inherited_ns;
    thread->inherited_ns = 0;
    if (vmp_session.has_memory)
        record->memory_kb =
            vmp_resident_pages(vmp_session.memory_fd) * vmp_session.page_kb;
    vmp_count(record->type == VMP_RECORD_SYSTEM ? &thread->counters.system_ticks
                                                : &thread->counters.samples,
              1);
    vmp_count(&thread->counters.sampled_ns, record->weight_ns);
    if (record->cut || record->state & VMP_STATE_LEAF_MISSING)
        vmp_count(&thread->counters.stacks_cut, 1);
    if (record->cut)
        vmp_count(&thread->counters.frames_cut, record->cut);
    vmp_ring_commit(&thread->ring, record);
}

/* Without a branch: which frames have a position is the VM's to say. */
static inline void
copy_frame(const struct vmprof_frame *frame, struct vmp_sampled_frame *to)
{
    static const uintptr_t nowhere;
    const uintptr_t *const position = frame->position;

    to->code = (frame->code & ~(uint64_t)1) | /* the serial's bit */
               (position ? VMP_HAS_POSITION : 0);
    to->position =
        *(const volatile uintptr_t *)(position ? position : &nowhere);
}

/* One after the other: with both in one loop, a thousand frames took half as
 * long again. */
static void
copy_some(const struct vmprof_frame *from, size_t count,
          struct vmp_sampled_frame *restrict to, uint64_t *restrict links)
{
    for (size_t i = 0; i < count; i++)
        links[i] = from[i].link;
    for (size_t i = 0; i < count; i++)
        copy_frame(&from[i], &to[i]);
}

static void
copy_frames(const struct vmp_window *window, struct vmp_sampled_frame *to,
            uint64_t *links)
{
    const struct vmp_segment *segment = window->segments;
    size_t at = window->keep + window->skip;

    links += window->keep;
    for (unsigned left = window->segment_count; left; left--, segment++) {
        const size_t count = at < segment->depth ? segment->depth - at : 0;

        copy_some(segment->stack->frames + 1 + at, count, to, links);
        to += count;
        links += count;
        at = at + count - segment->depth;
    }
}

void
vmp_leave_out(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns)
{
    const uint64_t used_ns = vmp_used_since_due(thread, cpu_ns);

    thread->left_out_ns += used_ns;
    vmp_charge(thread, cpu_ns, used_ns);
    thread->due_cpu_ns = cpu_ns;
    thread->last_time_ns = now_ns;
}

void
vmp_look_at_stack(const struct vmp_thread *thread, struct vmp_window *window)
{
    const struct vmprof_stack *stack = thread->head.stack;
    const struct vmprof_frame *top = thread->head.top;

    if (!stack) {
        stack = thread->leaving;
        top = stack->top;
    }
    vmp_window_open(window, stack, top);
    window->jumps = thread->jumps;
    vmp_window_fit(window, &thread->last, vmp_session.max_frames);
}

bool
vmp_record_stack(struct vmp_thread *thread, const struct vmp_window *window,
                 uint64_t now_ns, uint64_t weight_ns, unsigned state)
{
    struct vmp_capture capture;
    struct vmp_record *record;

    record = reserve_frames(thread, window->count - window->keep, &capture);
    if (!record)
        return false;
    if (window->leaf_missing)
        state |= VMP_STATE_LEAF_MISSING;
    record->type = VMP_RECORD_SAMPLE;
    record->trace = vmp_running_trace(thread);
    record->phase = vmp_phase_in(thread, record->trace);
    record->state = (uint8_t)state;
    record->time_ns = now_ns;
    record->weight_ns = weight_ns;
    record->keep = window->keep;
    record->cut = window->cut;
    copy_frames(window, (struct vmp_sampled_frame *)(record + 1),
                thread->last.links);
    add_native(thread, window, &capture, record);
    vmp_window_remember(window, &thread->last);
    vmp_commit_record(thread, record);
    thread->last_cpu_ns += weight_ns;
    thread->last_time_ns = now_ns;
    return true;
}

bool
vmp_put_gap(struct vmp_thread *thread, unsigned kind, uint32_t lasting,
            uint64_t cut, const struct vmp_sampled_frame *innermost,
            uint64_t until_ns, uint64_t weight_ns)
{
    const uint32_t added = lasting ? 1 : 0;
    const size_t size =
        sizeof(struct vmp_record) + added * sizeof(struct vmp_sampled_frame);
    struct vmp_record *const record = vmp_ring_reserve(&thread->ring, size);

    if (!record)
        return false;
    *record = (struct vmp_record){
        .size = (uint32_t)size,
        .type = VMP_RECORD_GAP,
        .phase = (uint8_t)thread->head.phase,
        .kind = (uint8_t)kind,
        .time_ns = until_ns,
        .weight_ns = weight_ns,
        .keep = lasting - added,
        .added = added,
        .cut = cut,
    };
    if (added)
        *(struct vmp_sampled_frame *)(record + 1) = *innermost;
    vmp_count(&thread->counters.sampled_ns, weight_ns);
    vmp_ring_commit(&thread->ring, record);
    thread->last_cpu_ns += weight_ns;
    thread->last_time_ns = until_ns;
    return true;
}

bool
vmp_record_gap(struct vmp_thread *thread, const struct vmp_window *window,
               unsigned kind, uint64_t until_ns, uint64_t weight_ns)
{
    struct vmp_sampled_frame innermost = { 0 };

    if (window->lasting)
        copy_frame(vmp_window_frame(window, window->lasting - 1), &innermost);
    return vmp_put_gap(thread, kind, window->lasting, window->cut, &innermost,
                       until_ns, weight_ns);
}

/* Charge the periods that passed in the kernel to who called it. Returns what
 * is left for the sample. */
static uint64_t
record_system_time(struct vmp_thread *thread, const struct vmp_window *window,
                   const struct vmp_missed *missed, uint64_t now_ns,
                   uint64_t weight_ns)
{
    const uint64_t system_ns =
        missed->system_ns < weight_ns ? missed->system_ns : weight_ns;

    if (!vmp_record_gap(thread, window, VMP_KIND_SYSTEM,
                        now_ns - (weight_ns - system_ns), system_ns)) {
        vmp_count(&thread->counters.lost_ring_full, missed->system);
        return weight_ns;
    }
    vmp_count(&thread->counters.system_ticks, missed->system);
    return weight_ns - system_ns;
}

/* Whether polls sample the thread, one of them at the end of its innermost frame. */
static bool
ends_with_poll(const struct vmp_thread *thread, const struct vmp_window *window)
{
    return vmp_samples_itself(thread) && window->count &&
           vmp_is_polled_at_end(vmp_window_frame(window, window->count - 1));
}

static void
count_expirations(struct vmp_thread *thread, const struct vmp_missed *missed)
{
    vmp_count(&thread->counters.expirations,
              1 + missed->system + missed->overrun);
    if (missed->overrun)
        vmp_count(&thread->counters.lost_overrun, missed->overrun);
}

/* As that poll would, so that what was due before is what it would have been. All
 * periods are this frame's, wherever they passed. What was due is the poll's to say:
 * a tick that comes before is none. */
static void
sample_ahead_of_poll(struct vmp_thread *thread, const struct vmp_window *window,
                     uint64_t now_ns, uint64_t weight_ns)
{
    const uint64_t due_ns = vmp_due_at_end(thread, weight_ns);

    if (!due_ns)
        return;
    vmp_deadline_passed(&thread->poll.deadline, false);
    vmp_count(&thread->counters.expirations, 1);
    if (vmp_record_stack(thread, window, now_ns, due_ns, 0))
        vmp_leave_rest(thread, now_ns, weight_ns - due_ns);
}

static void
sample_shadow_stack(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns,
                    const struct vmp_missed *missed)
{
    struct vmp_window *const window = &thread->window;
    const unsigned state = missed->held_back ? VMP_STATE_HELD_BACK : 0;
    uint64_t weight_ns = vmp_weigh(thread, cpu_ns, missed->held_back);

    vmp_look_at_stack(thread, window);
    if (!missed->held_back && ends_with_poll(thread, window)) {
        sample_ahead_of_poll(thread, window, now_ns, weight_ns);
        return;
    }
    vmp_take_over(thread, cpu_ns, missed->late_ns);
    count_expirations(thread, missed);
    if (missed->system_ns)
        weight_ns =
            record_system_time(thread, window, missed, now_ns, weight_ns);
    if (vmp_record_stack(thread, window, now_ns, weight_ns, state) &&
        missed->held_back)
        vmp_count(&thread->counters.held_back, 1);
}

/* Again at each tick: the VM may have lost the request, as one does whose
 * program sets a hook of its own over the VM's. */
static void
ask_walker(struct vmp_thread *thread, const struct vmp_missed *missed)
{
    const bool is_open =
        atomic_load_explicit(&thread->requested, memory_order_relaxed);

    count_expirations(thread, missed);
    /* Its next sample has the time of all of them. */
    if (is_open)
        vmp_count(&thread->counters.lost_walker, 1);
    /* Its answer tells it. In wall mode there is no time apart for it. */
    if (vmp_session.mode == VMPROF_MODE_CPU) {
        thread->untold_ns += missed->system_ns;
        thread->untold_ticks += missed->system;
    } else {
        vmp_count(&thread->counters.lost_walker, missed->system);
    }
    if (!is_open)
        thread->asked_in = vmp_running_trace(thread);
    atomic_store_explicit(&thread->requested, true, memory_order_relaxed);
    thread->request(&thread->head, thread->request_user);
}

static void
read_frames(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns,
            const struct vmp_missed *missed)
{
    count_expirations(thread, missed);
    /* Which of these frames were there all the time is not known. */
    if (missed->system)
        vmp_count(&thread->counters.lost_overrun, missed->system);
    vmp_read_own_frames(thread, now_ns, cpu_ns);
}

/*
 * A sample is to fall on a moment of CPU time that nothing in the program has a
 * part in. perf ticks there. A clock of time that passes does so as long as the
 * thread sleeps now and then: all ticks that found it at work are due, for they
 * are as many as its share of the time. While it does not sleep, but others have
 * the CPU, it goes on until a period is used.
 */
static bool
is_due(const struct vmp_thread *thread, uint64_t used_ns)
{
    const struct vmp_clock *const clock = &thread->clock;

    if (clock->rung != VMPROF_CLOCK_MONOTONIC)
        return true;
    return clock->sleep.has_slept ||
           used_ns + vmp_session.interval_ns / 16 >= thread->period_ns;
}

/* Of a thread that the observer has looked at since its last sample of its own: what
 * passed up to the last look is told. The rest is this tick's to tell. */
static void
leave_out_looks(const struct vmp_thread *thread, uint64_t cpu_ns,
                struct vmp_missed *missed)
{
    const uint64_t used_ns = vmp_used_since_due(thread, cpu_ns),
                   most = used_ns / vmp_session.interval_ns;

    if (missed->system > most)
        missed->system = most;
    if (missed->system_ns > used_ns)
        missed->system_ns = used_ns;
    if (missed->overrun > most - missed->system)
        missed->overrun = most - missed->system;
    missed->held_back = missed->held_back && most;
}

bool
vmp_tick(struct vmp_thread *thread, uint64_t now_ns, uint64_t cpu_ns)
{
    const struct vmp_sleep *const sleep = &thread->clock.sleep;
    struct vmp_missed missed;
    uint64_t used_ns;

    vmp_clock_read(&thread->clock, now_ns, cpu_ns, vmp_session.interval_ns,
                   thread->context, &missed);
    if (thread->was_observed)
        leave_out_looks(thread, cpu_ns, &missed);
    thread->was_observed = false;
    if (vmp_is_paused()) {
        vmp_leave_out(thread, now_ns, cpu_ns);
        return true;
    }
    /* The observer looks at the others. */
    if (vmp_session.clock == VMPROF_CLOCK_OBSERVER &&
        !vmp_has_own_frames(thread))
        return true;
    used_ns = vmp_used_since_due(thread, cpu_ns);
    if (sleep->is_asleep && !missed.held_back)
        return true;
    if (!missed.held_back && !is_due(thread, used_ns)) {
        vmp_clock_go_on(&thread->clock, thread->period_ns - used_ns);
        return false;
    }
    thread->due_cpu_ns = cpu_ns;
    thread->stands_for_ns = sleep->has_slept ? sleep->stands_for_ns : used_ns;
    if (sleep->has_slept && vmp_session.mode == VMPROF_MODE_CPU &&
        !vmp_samples_itself(thread))
        thread->has_reserve = true;
    if (thread->request)
        ask_walker(thread, &missed);
    else if (thread->read)
        read_frames(thread, now_ns, cpu_ns, &missed);
    else
        sample_shadow_stack(thread, now_ns, cpu_ns, &missed);
    return true;
}
