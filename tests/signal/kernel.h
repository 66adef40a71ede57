/* SPDX-License-Identifier: MIT */

/* Functions that live in the kernel, and the time that was found in them. */
#ifndef VMP_TESTS_KERNEL_H
#define VMP_TESTS_KERNEL_H

#include <string.h>

#include "os/clock.h"
#include "profiled.h"

/* Read the CPU clock, a system call each, for so long. Returns the time. */
static inline uint64_t
call_kernel(struct vmprof_thread *thread, vmprof_code_id code, uint64_t ns)
{
    const vmprof_token token = vmprof_execute_code_enter(thread, code, NULL);
    const uint64_t start_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    uint64_t now_ns;

    do
        now_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
    while (now_ns - start_ns < ns);
    vmprof_execute_code_leave(thread, token);
    return now_ns - start_ns;
}

/* The weight of all samples with a function on their stacks. */
static inline double
weight_under(const struct decoded *d, const char *name)
{
    uint64_t total = 0;

    for (size_t i = 0; i < d->sample_count; i++) {
        uint32_t frames[100];
        const size_t depth = decoded_stack(d, d->samples[i].node, frames,
                                           sizeof(frames) / sizeof(*frames));

        require(depth <= sizeof(frames) / sizeof(*frames));
        for (size_t j = 0; j < depth; j++) {
            const char *const found =
                decoded_name(d, d->frames[frames[j]].code);

            if (found && !strcmp(found, name))
                total += d->samples[i].weight;
        }
    }
    return (double)total;
}

#endif
