/* SPDX-License-Identifier: MIT */

/* A session that wants events, and a thread that takes edges. */
#ifndef JIT_EVENTS_H
#define JIT_EVENTS_H

#include "profiled.h"

static const double INTERVAL = 0.001;

enum {
    SMALL_RING = 1024,
    BLOCK_BIT = 1,
    NEWEST_BIT = 2,
    INNER_BIT = 4,
    LOST_NUMBER = 46, /* keys of STATS */
    EVENTS_NUMBER = 44,
};

static struct vmprof_thread *thread;

static inline struct vmprof_options
event_options(int file)
{
    struct vmprof_options options = profile_options(file, INTERVAL);

    options.jit_emits = VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT;
    return options;
}

static inline int
begin(const struct vmprof_options *given)
{
    struct vmprof_options options = *given;

    options.fd = profile_file();
    if (!vmprof_current_thread())
        require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable_with(&options) == 0);
    return options.fd;
}

static inline void
require_that_events_balance(const struct decoded *d)
{
    const struct vmprof_stats stats = profile_stats();

    require(stats.jit_events == d->event_count);
    require(d->stats.number[EVENTS_NUMBER] == stats.jit_events);
    require(d->stats.number[LOST_NUMBER] == stats.jit_events_lost);
}

static inline void
finish(int file, struct decoded *d)
{
    finish_profile(file, d);
    require_that_events_balance(d);
}

/* Takes an edge of each kind, as a thread comes to them. */
static inline void
take_each_edge(void)
{
    const uint32_t emits = VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT;

    vmprof_jit_enter(thread, 1, emits);
    require(thread->trace == 1);
    vmprof_jit_jump(thread, 2, emits);
    require(thread->trace == 2);
    vmprof_jit_call(thread, 2, emits);
    require(thread->trace == 0);
    vmprof_jit_enter(thread, 3, emits);
    vmprof_jit_exit(thread, 4, emits);
    require(thread->trace == 0);
    vmprof_jit_return(thread, 2, emits);
    require(thread->trace == 2);
    vmprof_jit_exit(thread, 0xffffff, emits);
    require(thread->trace == 0);
}

static inline void
jump_often(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        vmprof_jit_jump(thread, 1 + i % 1000, VMPROF_EMIT_EVENT);
}

#endif
