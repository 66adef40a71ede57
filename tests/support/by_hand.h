/* SPDX-License-Identifier: MIT */

/* A session in which no clock runs: the calling thread ticks when it is told. */
#ifndef BY_HAND_H
#define BY_HAND_H

#include "profiled.h"
#include "record/session.h"
#include "record/signal/sample.h"

/* A change of the thread's source of frames starts its clock again. */
static inline void
stop_clock(struct vmprof_thread *thread)
{
    vmp_threads_lock();
    vmp_clock_stop(&((struct vmp_thread *)thread)->clock);
    vmp_threads_unlock();
}

/* Returns the file. */
static inline int
begin_by_hand(struct vmprof_thread *thread, uint32_t max_frames)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.9);

    options.max_frames = max_frames;
    require(vmprof_enable_with(&options) == 0);
    stop_clock(thread);
    require(profile_stats().expirations == 0);
    return file;
}

static inline void
tick_by_hand(struct vmprof_thread *thread)
{
    burn_cpu_ms(1);
    vmp_tick((struct vmp_thread *)thread, vmp_now_ns(CLOCK_MONOTONIC),
             vmp_now_ns(CLOCK_THREAD_CPUTIME_ID));
}

#endif
