/* SPDX-License-Identifier: MIT */

/* What makes a thread's next sample due: one rung of the ladder, per thread. */
#ifndef VMP_CLOCK_H
#define VMP_CLOCK_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <vmprof/sampler.h>

#include "sleep.h"

enum {
    VMP_SIGNAL = SIGPROF,
    VMP_ONE_TRY = 256,
    VMP_MANY_ON_TIME = 32, /* ticks in a row: few fall into the kernel */
};

/*
 * All zero is a clock that is off. It ticks once, and is armed again by the
 * handler, so that a handler which is late is not overrun.
 */
struct vmp_clock {
    enum vmprof_clock rung; /* VMPROF_CLOCK_AUTO: off */
    int fd;         /* VMPROF_CLOCK_PERF; kept when it is off, for a last
                               tick that is still on its way */
    uint64_t event; /* perf's own number for what fd is */
    timer_t timer;  /* the other rungs */

    /* VMPROF_CLOCK_MONOTONIC. A thread that sleeps is not ticked but looked at,
     * and after long by nobody: the kernel's timer on its CPU clock takes over. */
    timer_t cpu_timer;
    bool has_cpu_timer;
    struct vmp_sleep sleep;

    int error; /* the errno of arming it, after which it ticks no more; or 0 */

    /* The handler's, and of who starts it. */
    uint64_t period_ns;         /* until the tick that it is armed for */
    uint64_t armed_cpu_ns;      /* the thread's CPU time then */
    uint64_t armed_ns;          /* on CLOCK_MONOTONIC, then */
    uint64_t asked_ns;          /* period_ns, before it was made shorter */
    int64_t tries;              /* ticks that one sample takes, 256ths */
    unsigned on_time;           /* ticks in a row, up to the last one */
    unsigned gaps;              /* ticks that were not, of late */
    int64_t early_ns;           /* of those asked for sooner: what they told as
                                   due beyond their time */
    bool is_looked_at;          /* by the observer, where perf does not tick */
    uint64_t ran_ns, unsure_ns; /* perf's count then: from, and up to so much
                                    more */
    uint64_t way_ns;            /* what a tick of perf's takes to arrive */
    uint64_t switches;          /* of the thread to a CPU, when asked last */
    uint64_t switched_cpu_ns;   /* its CPU time then */
    uint64_t switch_ns;         /* what perf does not count of each */
};

/* Of the kernel's own tick, at which timers on a CPU clock end. */
extern uint64_t vmp_clock_grain_ns;

/* What was due since the clock was armed, in periods, but for the last one. */
struct vmp_missed {
    uint64_t system;    /* in the kernel, where perf does not tick */
    uint64_t system_ns; /* up to the last tick that was lost there */
    uint64_t overrun;   /* while the tick was on its way */
    uint64_t late_ns;   /* the tick, all of that */
    bool held_back;     /* on the way for so long that the host blocked it */
};

/*
 * Make a clock that sends VMP_SIGNAL to thread `tid` once it has been begun.
 * Returns 0 or a negative errno; -EAGAIN if it may work later. A handler may find
 * the clock meanwhile, but it must be off.
 */
int
vmp_clock_start(struct vmp_clock *clock, enum vmprof_clock rung, pid_t tid,
                uint64_t period_ns);

/* Ask for its first tick, a period from now, when the thread's CPU time is `cpu_ns`.
 * What fails is clock->error. */
void
vmp_clock_begin(struct vmp_clock *clock, uint64_t cpu_ns);
void
vmp_clock_stop(struct vmp_clock *clock);

/*
 * Whether the host has closed the clock's descriptor, whatever else has its
 * number now. Such a clock ticks no more, and stopping it touches nothing.
 */
bool
vmp_clock_is_gone(const struct vmp_clock *clock);

/* perf's count, which stands still when its event has ended; else 0. And whether a
 * timer has, unless the clock rests; true for perf. */
uint64_t
vmp_clock_count(const struct vmp_clock *clock);
bool
vmp_clock_is_done(const struct vmp_clock *clock);

/* In the child of a fork(), which has a copy of perf's descriptor alone. */
void
vmp_clock_leave_to_parent(struct vmp_clock *clock);

/*
 * Whether a rung works on this machine: it is started on the calling thread,
 * which spins until it ticks. Returns 0 or a negative errno, -ENOTSUP if it
 * starts and never ticks.
 */
int
vmp_clock_check(enum vmprof_clock rung);

/*
 * A tick has come that interrupted `context`: what it missed, where one is due
 * each `interval_ns`, and on VMPROF_CLOCK_MONOTONIC whether it ended a sleep. A
 * sample would show where the thread sleeps then. Goes before each rearming.
 * Signal context.
 */
void
vmp_clock_read(struct vmp_clock *clock, uint64_t now_ns, uint64_t cpu_ns,
               uint64_t interval_ns, const void *context,
               struct vmp_missed *missed);

/* Ask for the next tick. Signal context. */
void
vmp_clock_rearm(struct vmp_clock *clock, uint64_t period_ns);

/*
 * Move the tick that it is armed for: it takes `period_ns` from now on, when the CPU
 * time of the thread is `cpu_ns`, and is one of those that are due each `interval_ns`,
 * of which it takes a quarter at least.
 * Not where an observer or the kernel's CPU timer is to tell of the end of a sleep. Of
 * the calling thread, outside of signals; a tick may come in between.
 */
void
vmp_clock_move(struct vmp_clock *clock, uint64_t now_ns, uint64_t cpu_ns,
               uint64_t period_ns, uint64_t interval_ns);

/* Instead, after a tick that was too early: go on for `left_ns` of CPU time.
 * VMPROF_CLOCK_MONOTONIC alone. Signal context. */
void
vmp_clock_go_on(struct vmp_clock *clock, uint64_t left_ns);

/*
 * Instead, after a tick that ended a sleep: no more of them until somebody has
 * looked, who is to be told; false if nobody looks, and the kernel is asked to
 * tell when CPU time is used. Signal context.
 */
bool
vmp_clock_rest(struct vmp_clock *clock, bool is_looked_at);

/* Of another thread, whose clock rests: it was found at work, so it ticks now;
 * or it sleeps for so long that nobody is to look any more. */
bool
vmp_clock_is_resting(const struct vmp_clock *clock);
void
vmp_clock_tick_now(struct vmp_clock *clock, uint64_t now_ns, uint64_t cpu_ns,
                   uint64_t stands_for_ns);
void
vmp_clock_let_sleep(struct vmp_clock *clock);

/* Whether a signal was sent by this clock, or is a last one of clocks that are
 * off; NULL: the thread has none. Signal context. */
bool
vmp_clock_sent(const struct vmp_clock *clock, const siginfo_t *info);

/* CPU time of a thread of this process in nanoseconds; 0 if it is gone. */
uint64_t
vmp_thread_cpu_ns(pid_t tid);

/* Now, in nanoseconds. Signal context. */
uint64_t
vmp_now_ns(clockid_t clock);

/* 0 where `now_ns` was read before `then_ns`. */
static inline uint64_t
vmp_since(uint64_t then_ns, uint64_t now_ns)
{
    return now_ns > then_ns ? now_ns - then_ns : 0;
}

#endif
