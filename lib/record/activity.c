/* SPDX-License-Identifier: MIT */

#include "activity.h"

enum {
    SLACK_NS = 50 * 1000, /* that the observer takes from who is at work */
    INSTANT_NS = 2000,    /* from one reading of a clock to the next */
    CLOCK_LOOKS = 4,
    MOST_IN_VAIN = 16,
    SPARED = 64,
    MOST_ASKING_NS = 10 * 1000, /* it saves no more */
};

/* Its own clock is as good as those of others. */
static bool
are_clocks_exact(void)
{
    uint64_t before_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);

    for (unsigned i = 0; i < CLOCK_LOOKS; i++) {
        const uint64_t ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);

        if (ns <= before_ns)
            return false;
        before_ns = ns;
    }
    return true;
}

void
vmp_watch_begin(struct vmp_watch *watch, bool can_ask)
{
    *watch = (struct vmp_watch){
        .can_ask = can_ask,
        .is_exact = are_clocks_exact(),
    };
}

/*
 * Whether nobody but the observer has slept since the last look at this thread. One
 * question for all takes a tenth of one for one, but many threads make it long, and
 * where they sleep a lot it says nothing: then it is done without for a while. An
 * answer that took long came when the thread may have run since the look began.
 */
static bool
has_nobody_slept(struct vmp_watch *watch, struct vmp_thread *thread,
                 int64_t before)
{
    uint64_t start_ns;
    bool was_quick;

    if (watch->spared) {
        watch->spared--;
        return false;
    }
    start_ns = vmp_now_ns(CLOCK_MONOTONIC);
    watch->others = vmp_others_naps();
    was_quick = vmp_now_ns(CLOCK_MONOTONIC) - start_ns < MOST_ASKING_NS;
    if (was_quick)
        thread->others_naps = watch->others;
    if (was_quick && watch->others >= 0 && watch->others == before)
        watch->in_vain = 0;
    else if (++watch->in_vain > MOST_IN_VAIN) {
        watch->in_vain = 0;
        watch->spared = SPARED;
    }
    return watch->others >= 0 && watch->others == before;
}

/* Whether the thread has waited for anything but a CPU since it was asked last:
 * it may have, if it never was; false also if that cannot be told. And whether it
 * does so now. */
static bool
has_slept(struct vmp_watch *watch, struct vmp_thread *thread, bool *naps_now)
{
    const int64_t before = thread->naps;

    if (before == VMP_NAPS_UNASKED) {
        thread->naps = 0;
        return true;
    }
    thread->naps = vmp_thread_naps(&watch->files, thread->tid, naps_now);
    return thread->naps >= 0 && thread->naps != before;
}

/*
 * One that went on since the last look and does not run now may have lost its CPU
 * or sleep again. If it has not slept since that look, or since it was asked last,
 * it has lost it: to the observer, if it ran all the time before. Else it may also
 * have woken up and wait for a CPU: its stack would be that of its sleep. A second
 * look, once it had a CPU to go on with, tells.
 */
enum vmp_activity
vmp_activity_of(struct vmp_watch *watch, struct vmp_thread *thread,
                uint64_t cpu_ns)
{
    const uint64_t now_ns = watch->now_ns;
    const uint64_t used_ns = vmp_since(thread->looked_cpu_ns, cpu_ns),
                   passed_ns = vmp_since(thread->looked_ns, now_ns);
    const int64_t others = thread->others_naps;
    const bool was_unsure = thread->is_unsure;
    bool naps_now = false;

    if (!was_unsure)
        thread->unlooked_ns = passed_ns;
    thread->looked_cpu_ns = cpu_ns;
    thread->looked_ns = now_ns;
    thread->others_naps = watch->others; /* as of before this look */
    thread->is_unsure = false;
    if (!used_ns)
        return VMP_SLEEPS;
    if (used_ns + INSTANT_NS >= passed_ns ||
        vmp_thread_cpu_ns(thread->tid) > cpu_ns)
        return VMP_RUNS;
    if (watch->can_ask ? has_nobody_slept(watch, thread, others) ||
                             !has_slept(watch, thread, &naps_now)
                       : was_unsure)
        return was_unsure || used_ns + SLACK_NS >= passed_ns ? VMP_RUNS
                                                             : VMP_WAITS;
    if (naps_now)
        return VMP_SLEPT;
    thread->is_unsure = !was_unsure;
    return VMP_UNSURE;
}
