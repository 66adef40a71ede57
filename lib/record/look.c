/* SPDX-License-Identifier: MIT */

#include "look.h"

#include "../os/pending.h"
#include "observe.h"
#include "session.h"
#include "signal/handler.h"
#include "signal/rest.h"
#include "signal/sample.h"
#include "signal/takeover.h"
#include "signal/weight.h"

enum {
    MOST_IDLE_LOOKS = 256, /* at a thread that sleeps */
    MOST_IDLE_IN_KERNEL = 32,
    NAP_NS = 50 * 1000,     /* with less it may have just woken up */
    INSTANT_NS = 20 * 1000, /* after a tick that came as late as they do */
};

/*
 * Looks come as time passes, and all that find it running are due, for they are as
 * many as its share of the time. One that waits for a CPU is due when it has used
 * a period. What it used beyond goes towards the next.
 */
static bool
is_due(struct vmp_thread *thread, enum vmp_activity activity, uint64_t cpu_ns)
{
    const uint64_t used_ns = vmp_used_since_due(thread, cpu_ns);

    if (activity < VMP_WAITS ||
        (activity == VMP_WAITS && used_ns < thread->period_ns))
        return false;
    thread->period_ns = vmp_since(vmp_since(thread->period_ns, used_ns),
                                  vmp_session.interval_ns);
    thread->due_cpu_ns = cpu_ns;
    thread->stands_for_ns =
        activity == VMP_RUNS ? thread->unlooked_ns : used_ns;
    return true;
}

/* Of those that have not run, who are many, a moment before will do. */
static uint64_t
look_at_clocks(struct vmp_watch *watch, const struct vmp_thread *thread)
{
    const uint64_t cpu_ns = vmp_thread_cpu_ns(thread->tid);

    if (cpu_ns != thread->looked_cpu_ns)
        watch->now_ns = vmp_now_ns(CLOCK_MONOTONIC);
    return cpu_ns;
}

/* The next sample carries the time of one that could not be taken. */
static void
record_look(struct vmp_watch *watch, struct vmp_thread *thread,
            enum vmp_record_type type, uint64_t cpu_ns)
{
    vmp_count(&thread->counters.expirations, 1);
    if (!vmp_observe(watch, thread, type, cpu_ns))
        vmp_count(&thread->counters.lost_switching, 1);
}

void
vmp_look(struct vmp_watch *watch, struct vmp_thread *thread)
{
    const uint64_t cpu_ns = look_at_clocks(watch, thread);

    if (vmp_session.mode == VMPROF_MODE_CPU &&
        !is_due(thread, vmp_activity_of(watch, thread, cpu_ns), cpu_ns))
        return;
    thread->looked_cpu_ns = cpu_ns;
    record_look(watch, thread, VMP_RECORD_SAMPLE, cpu_ns);
}

/* Whether a tick would have come by now. It may be on its way for twice as long as
 * they usually are. */
static bool
is_overdue(const struct vmp_thread *thread, uint64_t cpu_ns)
{
    const struct vmp_clock *const clock = &thread->clock;

    return __atomic_load_n(&clock->rung, __ATOMIC_RELAXED) !=
               VMPROF_CLOCK_AUTO &&
           cpu_ns > __atomic_load_n(&clock->armed_cpu_ns, __ATOMIC_RELAXED) +
                        __atomic_load_n(&clock->period_ns, __ATOMIC_RELAXED) +
                        2 * __atomic_load_n(&clock->way_ns, __ATOMIC_RELAXED) +
                        INSTANT_NS;
}

/* Whether the host blocks the tick, or has the signal for itself. A file of /proc
 * takes long to read. */
static bool
is_blocked(struct vmp_watch *watch, const struct vmp_thread *thread)
{
    const int r = vmp_is_pending_for(&watch->files, thread->tid);

    if (r < 0)
        atomic_store(&vmp_rest.is_blind, true);
    return r != 0 || !vmp_handler_is_in_place();
}

/* In its turn. A tick that is overdue fell into the kernel, if the host does not
 * block it: that is asked when the stack has been read, and told by the next look. */
static void
take_look(struct vmp_watch *watch, struct vmp_thread *thread, uint64_t cpu_ns)
{
    const bool overdue = is_overdue(thread, cpu_ns);

    record_look(watch, thread,
                overdue && !thread->is_blocked ? VMP_RECORD_SYSTEM
                                               : VMP_RECORD_SAMPLE,
                cpu_ns);
    thread->was_observed = true;
    thread->is_blocked = overdue && is_blocked(watch, thread);
}

/* Who sleeps is looked at for a while, and has a reserve from then on. */
void
vmp_look_in_kernel(struct vmp_watch *watch, struct vmp_thread *thread,
                   bool paused)
{
    const uint64_t cpu_ns = look_at_clocks(watch, thread);
    const enum vmp_activity activity = vmp_activity_of(watch, thread, cpu_ns);
    bool wants_more = !atomic_load(&vmp_rest.is_blind);

    thread->idle_looks = activity == VMP_SLEEPS ? thread->idle_looks + 1 : 0;
    thread->was_seen_asleep |= activity == VMP_SLEPT;
    if (thread->idle_looks > MOST_IDLE_IN_KERNEL)
        wants_more = false;
    else if (activity < VMP_WAITS)
        return;
    if (!vmp_take_look(thread, VMP_LOOKS_ON))
        return;
    /* It may have ticked meanwhile. At its first poll, and once it has frames of its
     * own, looks end with the next tick. */
    if (wants_more && vmp_used_since_due(thread, cpu_ns) &&
        !vmp_samples_itself(thread) && !vmp_has_own_frames(thread)) {
        thread->has_reserve |= thread->was_seen_asleep;
        if (paused)
            vmp_leave_out(thread, watch->now_ns, cpu_ns);
        else if (is_due(thread, activity, cpu_ns))
            take_look(watch, thread, cpu_ns);
    }
    if (!wants_more)
        thread->idle_looks = 0;
    atomic_store_explicit(&thread->looks,
                          wants_more ? VMP_LOOKS_WANTED : VMP_LOOKS_NONE,
                          memory_order_release);
}

void
vmp_look_for_work(struct vmp_watch *watch, struct vmp_thread *thread)
{
    const uint64_t cpu_ns = look_at_clocks(watch, thread),
                   used_ns = vmp_since(thread->clock.armed_cpu_ns, cpu_ns);
    const enum vmp_activity activity = vmp_activity_of(watch, thread, cpu_ns);

    if (activity == VMP_RUNS || (activity == VMP_WAITS && used_ns > NAP_NS))
        vmp_clock_tick_now(&thread->clock, watch->now_ns, cpu_ns,
                           thread->unlooked_ns);
    else if (activity != VMP_SLEEPS)
        thread->clock.sleep.idle_looks = 0;
    else if (++thread->clock.sleep.idle_looks > MOST_IDLE_LOOKS)
        vmp_clock_let_sleep(&thread->clock);
}

void
vmp_look_past(const struct vmp_watch *watch, struct vmp_thread *thread)
{
    vmp_leave_out(thread, watch->now_ns, vmp_thread_cpu_ns(thread->tid));
}
