/* SPDX-License-Identifier: MIT */

/* The rungs of the ladder that send signals, and a test on each of them. */
#ifndef VMP_TESTS_RUNGS_H
#define VMP_TESTS_RUNGS_H

#include <vmprof/sampler.h>

#include "isolate.h"
#include "profiled.h"

static const uint32_t rungs[] = { VMPROF_CLOCK_PERF, VMPROF_CLOCK_MONOTONIC,
                                  VMPROF_CLOCK_CPU_TIMER };
static uint32_t rung;
static struct vmprof_thread *head;

/* In a function of the VM. */
static inline void
attach(void)
{
    require(vmprof_attach_thread(NULL, &head) == 0);
    vmprof_execute_code_enter(head, code_named("host"), NULL);
}

/* Sampled by signals. False if the machine has no such clock. */
static inline bool
enable_into(int file, double interval)
{
    struct vmprof_options options = profile_options(file, interval);
    int r;

    options.clock = rung;
    options.sampling = VMPROF_SAMPLING_SIGNAL;
    r = vmprof_enable_with(&options);
    require(r == 0 || r == -ENOTSUP);
    return r == 0;
}

/* Ends the process that was isolated if the machine has no such clock. Returns
 * the file. */
static inline int
enable(double interval)
{
    const int file = profile_file();

    if (!enable_into(file, interval))
        _exit(0);
    return file;
}

/* False if the machine has no such clock. */
static inline bool
begin(int file, double interval)
{
    attach();
    return enable_into(file, interval);
}

/* In a process of its own each time. */
static inline void
on_each_rung(void (*body)(void))
{
    for (size_t i = 0; i < sizeof(rungs) / sizeof(*rungs); i++) {
        rung = rungs[i];
        assert_int_equal(isolate(body, 60), 0);
    }
}

#endif
