/* SPDX-License-Identifier: MIT */

#include "brief.h"

#include "random.h"
#include "session.h"

static uint64_t
draw_below(struct vmp_thread *thread, uint64_t limit_ns)
{
    return (vmp_draw(&thread->periods.random) >> 32) * limit_ns >> 32;
}

/*
 * Until a thread's first sample: as long as it takes from any moment of one that
 * has run for ever. With a whole period a thread that lives for less would never
 * be sampled, however many of its kind there are. Drawn by themselves: periods in a
 * row have to do with each other.
 */
static uint64_t
first_period(struct vmp_thread *thread)
{
    const uint64_t interval_ns = vmp_session.interval_ns;
    uint64_t period_ns;

    /* A moment is in a period as likely as that is long. */
    do
        period_ns = draw_below(thread, interval_ns * 3 / 2);
    while (period_ns > interval_ns / 2 + draw_below(thread, interval_ns));
    return period_ns + 1;
}

void
vmp_bequeath(const struct vmp_thread *thread)
{
    const uint64_t lived_ns = thread->cpu_end_ns - thread->cpu_start_ns;
    /* A poll may have charged it ahead of its time. */
    const uint64_t since_ns =
        vmp_since(thread->last_cpu_ns, thread->cpu_end_ns);
    struct vmp_estate estate = {
        .unsampled_ns = thread->inherited_ns + since_ns,
        .rest_ns =
            thread->period_ns > since_ns ? thread->period_ns - since_ns : 0,
    };

    /* The weights of all others remain their own CPU time. */
    if (vmp_session.mode != VMPROF_MODE_CPU || !thread->ring.data ||
        lived_ns >= vmp_session.interval_ns)
        return;
    if (vmp_session.estate_count == VMP_MOST_ESTATES)
        estate.unsampled_ns +=
            vmp_session.estates[--vmp_session.estate_count].unsampled_ns;
    vmp_session.estates[vmp_session.estate_count++] = estate;
}

void
vmp_inherit(struct vmp_thread *thread)
{
    struct vmp_estate estate = { 0 };

    if (vmp_session.estate_count)
        estate = vmp_session.estates[--vmp_session.estate_count];
    thread->inherited_ns = estate.unsampled_ns;
    thread->period_ns = estate.rest_ns ? estate.rest_ns : first_period(thread);
}
