/* SPDX-License-Identifier: MIT */

/*
 * Loaded before a profiler that uses setitimer(ITIMER_PROF): counts its signals,
 * and with VMPROF_BENCH_REAL_RATE set gives it a timer on CLOCK_MONOTONIC that
 * is aimed at the thread which asked. Kernel ticks bound the other to CONFIG_HZ,
 * and a cost per second is to be compared at one and the same rate.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#    define sigev_notify_thread_id _sigev_un._tid
#endif

typedef void
handler(int number, siginfo_t *info, void *context);

static handler *handle_profile;
static volatile unsigned long signals;
static timer_t timer;
static bool have_timer;

unsigned long
bench_signals(void);
unsigned long
bench_signals(void)
{
    return signals;
}

static void
count(int number, siginfo_t *info, void *context)
{
    signals++;
    handle_profile(number, info, context);
}

int
sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
    static int (*next)(int, const struct sigaction *, struct sigaction *);
    struct sigaction counted;

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "sigaction");
    if (!action || number != SIGPROF || action->sa_handler == SIG_IGN ||
        action->sa_handler == SIG_DFL)
        return next(number, action, before);
    counted = *action;
    handle_profile = action->sa_sigaction;
    counted.sa_sigaction = count;
    counted.sa_flags |= SA_SIGINFO;
    return next(number, &counted, before);
}

static int
set_timer(const struct itimerval *value)
{
    const long ns = value->it_interval.tv_sec * 1000000000L +
                    value->it_interval.tv_usec * 1000L;
    const struct timespec period = { ns / 1000000000, ns % 1000000000 };
    const struct itimerspec periodic = { period, period };
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID,
        .sigev_signo = SIGPROF,
        .sigev_notify_thread_id = gettid(),
    };

    if (have_timer)
        timer_delete(timer);
    have_timer = false;
    if (!ns)
        return 0;
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) < 0)
        return -1;
    have_timer = true;
    return timer_settime(timer, 0, &periodic, NULL);
}

int
setitimer(__itimer_which_t which, const struct itimerval *value,
          struct itimerval *before)
{
    static int (*next)(__itimer_which_t, const struct itimerval *,
                       struct itimerval *);

    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "setitimer");
    if (which != ITIMER_PROF || !getenv("VMPROF_BENCH_REAL_RATE"))
        return next(which, value, before);
    return set_timer(value);
}
