/* SPDX-License-Identifier: MIT */

/* The session's counters, for its host. */

#include <vmprof/sampler.h>

#include <errno.h>

#include "../sized.h"
#include "session.h"

enum {
    STATS_SIZE_0_1 = VMP_SIZE_UP_TO(vmprof_stats, clock_retries),
};

static uint64_t
elapsed_ns(void)
{
    if (!vmp_session.start_ns)
        return 0;
    return (vmp_session.stop_ns ? vmp_session.stop_ns
                                : vmp_now_ns(CLOCK_MONOTONIC)) -
           vmp_session.start_ns;
}

static uint64_t
attached_threads(void)
{
    uint64_t count = 0;

    for (struct vmp_thread *t = vmp_threads; t; t = t->next)
        count += t->state == VMP_THREAD_ATTACHED;
    return count;
}

int
vmp_stats_check(const struct vmprof_stats *stats)
{
    return vmp_sized_check(stats, STATS_SIZE_0_1);
}

void
vmp_stats_take(struct vmprof_stats *to)
{
    struct vmprof_stats stats;
    struct vmp_counters sum;

    vmprof_stats_init(&stats);
    vmp_session_count(&sum);
    stats.enabled = vmp_session.enabled;
    stats.clock = vmp_session.clock;
    stats.interval_ns = vmp_session.interval_ns;
    stats.elapsed_ns = elapsed_ns();
    stats.threads = attached_threads();
    stats.samples_written = vmp_session.samples_written;
    stats.samples_unwritten = vmp_session.samples_unwritten;
    stats.bytes_written = vmp_session.bytes_written;
    stats.write_error = vmp_session.write_error;
    stats.clock_error = vmp_session.clock_error;
    stats.expirations = sum.expirations;
    stats.samples = sum.samples;
    stats.lost_ring_full = sum.lost_ring_full;
    stats.lost_busy = sum.lost_busy;
    stats.lost_switching = sum.lost_switching;
    stats.lost_walker = sum.lost_walker;
    stats.stacks_cut = sum.stacks_cut;
    stats.frames_cut = sum.frames_cut;
    stats.overflows = sum.overflows;
    stats.locations_lost = sum.locations_lost;
    stats.clock_failures = sum.clock_failures;
    stats.sampled_ns = sum.sampled_ns;
    stats.polled = sum.polled;
    stats.held_back = sum.held_back;
    stats.system_ticks = sum.system_ticks;
    stats.native_cut = sum.native_cut;
    stats.native_failed = sum.native_failed;
    stats.clock_retries = sum.clock_retries;
    stats.lost_overrun = sum.lost_overrun;
    stats.jit_events = sum.jit_events;
    stats.jit_events_lost = sum.jit_lost;
    vmp_sized_export(to, sizeof(stats), STATS_SIZE_0_1, &stats);
}

int
vmprof_get_stats(struct vmprof_stats *stats)
{
    const int r = stats ? vmp_stats_check(stats) : -EINVAL;

    if (r < 0)
        return r;
    vmp_threads_lock();
    vmp_stats_take(stats);
    vmp_threads_unlock();
    return 0;
}
