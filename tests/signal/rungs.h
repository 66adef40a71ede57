/* SPDX-License-Identifier: MIT */

/* The rungs of the ladder that send signals, and a test on each of them. */
#ifndef VMP_TESTS_RUNGS_H
#define VMP_TESTS_RUNGS_H

#include <vmprof/sampler.h>

#include "isolate.h"

static const uint32_t rungs[] = { VMPROF_CLOCK_PERF, VMPROF_CLOCK_MONOTONIC,
                                  VMPROF_CLOCK_CPU_TIMER };
static uint32_t rung;

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
