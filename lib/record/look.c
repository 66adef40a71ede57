/* SPDX-License-Identifier: MIT */

#include "look.h"

#include "../os/pending.h"
#include "observe.h"
#include "session.h"
#include "signal/rest.h"
#include "signal/sample.h"
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
is_due(struct vmp_watch *watch, struct vmp_thread *thread, uint64_t cpu_ns)
{
    const uint64_t used_ns = vmp_used_since_due(thread, cpu_ns);
    const enum vmp_activity activity = vmp_activity_of(watch, thread, cpu_ns);

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

void
vmp_look(struct vmp_watch *watch, struct vmp_thread *thread)
{
    const uint64_t cpu_ns = look_at_clocks(watch, thread);

    if (vmp_session.mode == VMPROF_MODE_CPU && !is_due(watch, thread, cpu_ns))
        return;
    vmp_count(&thread->counters.expirations, 1);
    thread->looked_cpu_ns = cpu_ns;
    /* The next sample carries the time of this one. */
    if (!vmp_observe(watch, thread, VMP_RECORD_SAMPLE, cpu_ns))
        vmp_count(&thread->counters.lost_switching, 1);
}

/* What is left of the CPU time until a tick is overdue, which may be on its way for
 * twice as long as they usually are. */
static uint64_t
left_to_tick(const struct vmp_thread *thread, uint64_t cpu_ns)
{
    const struct vmp_clock *const clock = &thread->clock;

    return vmp_since(cpu_ns,
                     __atomic_load_n(&clock->armed_cpu_ns, __ATOMIC_RELAXED) +
                         __atomic_load_n(&clock->period_ns, __ATOMIC_RELAXED) +
                         2 * __atomic_load_n(&clock->way_ns, __ATOMIC_RELAXED) +
                         INSTANT_NS);
}

/* Whether the tick is on its way, or the host blocks it, rather; asked at the
 * first look that misses it, and less and less often. */
static bool
has_ticked(struct vmp_watch *watch, struct vmp_thread *thread)
{
    const unsigned looks = thread->missed_looks;
    int r;

    if (looks & (looks - 1))
        return false;
    r = vmp_is_pending_for(&watch->files, thread->tid);
    if (r < 0)
        atomic_store(&vmp_rest.is_blind, true);
    return r != 0;
}

/* Record its stack in place of the tick; in its turn. Returns false if the tick
 * waits, so that looks are in vain. */
static bool
stand_in(struct vmp_watch *watch, struct vmp_thread *thread, uint64_t cpu_ns)
{
    const uint64_t armed_ns =
        __atomic_load_n(&thread->clock.armed_ns, __ATOMIC_RELAXED);

    if (armed_ns != thread->missed_ns)
        thread->missed_looks = 0;
    thread->missed_ns = armed_ns;
    thread->missed_looks++;
    if (has_ticked(watch, thread))
        return thread->missed_looks == 1;
    if (vmp_observe(watch, thread, VMP_RECORD_SYSTEM, cpu_ns))
        vmp_count(&thread->counters.expirations, 1);
    /* Not if the ring was full. */
    if (thread->last_cpu_ns == cpu_ns)
        thread->was_observed = true;
    return true;
}

/* In its turn, of a thread at work. Returns whether it wants more looks. */
static bool
take_look(struct vmp_watch *watch, struct vmp_thread *thread, uint64_t cpu_ns,
          bool paused)
{
    const uint64_t left_ns = left_to_tick(thread, cpu_ns);

    if (cpu_ns <= thread->last_cpu_ns)
        return true;
    if (paused) {
        vmp_leave_out(thread, watch->now_ns, cpu_ns);
    } else if (!left_ns) {
        watch->is_regular = true;
        return stand_in(watch, thread, cpu_ns);
    } else if (watch->now_ns + left_ns < watch->next_ns) {
        watch->next_ns = watch->now_ns + left_ns;
    }
    return true;
}

/* Who sleeps is looked at for a while. */
void
vmp_look_in_kernel(struct vmp_watch *watch, struct vmp_thread *thread,
                   bool paused)
{
    const uint64_t cpu_ns = look_at_clocks(watch, thread);
    const enum vmp_activity activity = vmp_activity_of(watch, thread, cpu_ns);
    bool wants_more = !atomic_load(&vmp_rest.is_blind);

    thread->idle_looks = activity == VMP_SLEEPS ? thread->idle_looks + 1 : 0;
    if (thread->idle_looks > MOST_IDLE_IN_KERNEL) {
        wants_more = false;
    } else if (activity < VMP_WAITS) {
        watch->is_regular = true;
        return;
    }
    if (!vmp_take_look(thread, VMP_LOOKS_ON))
        return;
    if (wants_more)
        wants_more = take_look(watch, thread, cpu_ns, paused);
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
