/* SPDX-License-Identifier: MIT */

#include <vmprof/sampler.h>

#include "accounts.h"
#include "isolate.h"

struct accounts
accounts(void)
{
    struct vmprof_stats s;

    vmprof_stats_init(&s);
    require(vmprof_get_stats(&s) == 0);
    return (struct accounts){
        .expirations = s.expirations,
        .samples = s.samples,
        .lost = s.lost_ring_full + s.lost_busy + s.lost_switching +
                s.lost_walker + s.lost_overrun,
        .system_ticks = s.system_ticks,
        .frames_cut = s.frames_cut,
        .lost_switching = s.lost_switching,
        .written = s.samples_written,
        .sampled_ns = s.sampled_ns,
        .write_error = s.write_error,
    };
}
