/* SPDX-License-Identifier: MIT */

#include "unsampled.h"

#include <vmprof/sampler.h>

/* The CPU clock of a thread that was profiled by it, or 0. */
static uint64_t
cpu_ns(const struct profile *profile, uint32_t thread)
{
    const struct session *session =
        &profile->sessions[profile->threads[thread].session];

    return session->mode == VMPROF_MODE_CPU ? profile->threads[thread].cpu_ns
                                            : 0;
}

uint64_t
unsampled_of_thread(const struct profile *profile, uint32_t thread,
                    uint64_t sampled_ns)
{
    const uint64_t used_ns = cpu_ns(profile, thread);

    return used_ns > sampled_ns ? used_ns - sampled_ns : 0;
}

uint64_t
excess_of_thread(const struct profile *profile, uint32_t thread,
                 uint64_t sampled_ns)
{
    const uint64_t used_ns = cpu_ns(profile, thread);

    return used_ns && used_ns < sampled_ns ? sampled_ns - used_ns : 0;
}

void
unsampled_by_thread(const struct profile *profile, uint64_t *ns)
{
    uint64_t more_ns = 0;

    for (uint32_t i = 0; i < profile->thread_count; i++)
        more_ns += excess_of_thread(profile, i, ns[i]);
    for (uint32_t i = 0; i < profile->thread_count; i++) {
        const uint64_t own_ns = unsampled_of_thread(profile, i, ns[i]);
        const uint64_t less_ns = more_ns < own_ns ? more_ns : own_ns;

        ns[i] = own_ns - less_ns;
        more_ns -= less_ns;
    }
}
