/* SPDX-License-Identifier: MIT */

/* The part of the clocks that the handler uses. Signal context. */

#include "../../os/clock.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>

/* Else a tick follows the handler of the last before the host has run one
 * instruction. perf counts no time of the kernel's, where a signal spends most
 * of its own. */
static const uint64_t LEAST_TIMER_NS = 20 * 1000;

/* Its address marks our timers' signals; perf's are marked by their code. */
const char vmp_clock_cookie;

void
vmp_clock_rearm(const struct vmp_clock *clock, uint64_t period_ns)
{
    if (clock->rung == VMPROF_CLOCK_PERF) {
        ioctl(clock->fd, PERF_EVENT_IOC_PERIOD, &period_ns);
        ioctl(clock->fd, PERF_EVENT_IOC_REFRESH, 1);
    } else if (clock->rung == VMPROF_CLOCK_MONOTONIC) {
        const uint64_t wait_ns =
            period_ns > LEAST_TIMER_NS ? period_ns : LEAST_TIMER_NS;
        const struct itimerspec once = {
            .it_value = { .tv_sec = (time_t)(wait_ns / 1000000000),
                          .tv_nsec = (long)(wait_ns % 1000000000) },
        };
        timer_settime(clock->timer, 0, &once, NULL);
    }
}

bool
vmp_clock_sent(const siginfo_t *info)
{
    if (info->si_code == SI_TIMER)
        return info->si_value.sival_ptr == &vmp_clock_cookie;
    /* F_SETSIG: nobody else asks for SIGPROF when a descriptor is ready. */
    return info->si_code == POLL_IN || info->si_code == POLL_HUP;
}

uint64_t
vmp_now_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) < 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
