/* SPDX-License-Identifier: MIT */

/*
 * What a signal costs before a handler has run a line: perf's task clock on the
 * calling thread, outside the kernel alone, and a handler that counts. Nobody
 * who samples by signals can cost less.
 */

#include "variants.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile uint64_t ticks;
static int event = -1;
static uint64_t interval, random_state = 88172645463325252;

static void
count(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    ticks++;
}

/* The same as the library does it, so that ticks do not follow the program: a
 * period that is drawn anew, and one tick more. */
static void
count_and_rearm(int number, siginfo_t *info, void *context)
{
    uint64_t period_ns;

    (void)number, (void)info, (void)context;
    ticks++;
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    period_ns = interval / 2 + (random_state >> 11) % interval;
    ioctl(event, PERF_EVENT_IOC_PERIOD, &period_ns);
    ioctl(event, PERF_EVENT_IOC_REFRESH, 1);
}

static int
open_event(uint64_t interval_ns)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_SW_TASK_CLOCK,
        .sample_period = interval_ns,
        .disabled = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .wakeup_events = 1,
    };
    const struct f_owner_ex owner = { F_OWNER_TID, gettid() };

    event = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
                         PERF_FLAG_FD_CLOEXEC);
    if (event < 0)
        return -errno;
    fcntl(event, F_SETFL, O_ASYNC);
    fcntl(event, F_SETSIG, SIGPROF);
    fcntl(event, F_SETOWN_EX, &owner);
    return 0;
}

static int
start(uint64_t interval_ns,
      void (*handler)(int number, siginfo_t *info, void *context))
{
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_RESTART };
    const int r = open_event(interval_ns);

    if (r < 0)
        return r;
    action.sa_sigaction = handler;
    sigaction(SIGPROF, &action, NULL);
    interval = interval_ns;
    ticks = 0;
    return 0;
}

static int
start_empty(uint64_t interval_ns)
{
    const int r = start(interval_ns, count);

    return r < 0 ? r : ioctl(event, PERF_EVENT_IOC_ENABLE, 0);
}

static int
start_rearmed(uint64_t interval_ns)
{
    const int r = start(interval_ns, count_and_rearm);

    return r < 0 ? r : ioctl(event, PERF_EVENT_IOC_REFRESH, 1);
}

static uint64_t
stop(void)
{
    ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
    close(event);
    /* A last one may be pending; SIG_IGN discards it. */
    signal(SIGPROF, SIG_IGN);
    signal(SIGPROF, SIG_DFL);
    return ticks;
}

const struct variant variant_empty = { "empty", start_empty, stop };
const struct variant variant_rearmed = { "rearmed", start_rearmed, stop };
