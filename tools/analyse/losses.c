/* SPDX-License-Identifier: MIT */

#include "losses.h"

#include <string.h>

void
sum_losses(struct losses *losses, const struct profile *profile)
{
    struct session_stats *sum = &losses->stats;

    memset(losses, 0, sizeof(*losses));
    for (uint32_t i = 0; i < profile->session_count; i++) {
        const struct session_stats *stats = &profile->sessions[i].stats;

        losses->sessions_without_stats += !profile->sessions[i].has_stats;
        losses->sessions_without_end += !profile->sessions[i].ended;
        sum->expirations += stats->expirations;
        sum->samples += stats->samples;
        sum->lost_ring_full += stats->lost_ring_full;
        sum->lost_busy += stats->lost_busy;
        sum->lost_switching += stats->lost_switching;
        sum->lost_walker += stats->lost_walker;
        sum->lost_overrun += stats->lost_overrun;
        sum->stacks_cut += stats->stacks_cut;
        sum->frames_cut += stats->frames_cut;
        sum->overflows += stats->overflows;
        sum->locations_lost += stats->locations_lost;
        sum->clock_failures += stats->clock_failures;
        sum->sampled_ns += stats->sampled_ns;
        sum->unwritten += stats->unwritten;
        sum->polled += stats->polled;
        sum->held_back += stats->held_back;
        sum->system_ticks += stats->system_ticks;
        sum->native_cut += stats->native_cut;
        sum->native_failed += stats->native_failed;
        sum->clock_retries += stats->clock_retries;
    }
    losses->lost = sum->lost_ring_full + sum->lost_busy + sum->lost_switching +
                   sum->unwritten;
    losses->merged = sum->lost_walker + sum->lost_overrun;
}
