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

enum {
    VMP_SIGNAL = SIGPROF,
};

/* All zero is a clock that is off. */
struct vmp_clock {
    enum vmprof_clock rung; /* VMPROF_CLOCK_AUTO: off */
    int fd;                 /* VMPROF_CLOCK_PERF */
    uint64_t event;         /* perf's own number for what fd is */
    timer_t timer;          /* VMPROF_CLOCK_MONOTONIC */
};

/*
 * Send VMP_SIGNAL to thread `tid` once, after `period_ns`. Returns 0 or a
 * negative errno.
 */
int
vmp_clock_start(struct vmp_clock *clock, enum vmprof_clock rung, pid_t tid,
                uint64_t period_ns);
void
vmp_clock_stop(struct vmp_clock *clock);

/*
 * Whether the host has closed the clock's descriptor, whatever else has its
 * number now. Such a clock ticks no more, and stopping it touches nothing.
 */
bool
vmp_clock_is_gone(const struct vmp_clock *clock);

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

/* Ask for the next tick. Signal context. */
void
vmp_clock_rearm(const struct vmp_clock *clock, uint64_t period_ns);

/* Whether a signal comes from a clock of ours, of whichever thread. Signal
 * context. */
bool
vmp_clock_sent(const siginfo_t *info);

/* CPU time of a thread of this process in nanoseconds; 0 if it is gone. */
uint64_t
vmp_thread_cpu_ns(pid_t tid);

/* Now, in nanoseconds. Signal context. */
uint64_t
vmp_now_ns(clockid_t clock);

#endif
