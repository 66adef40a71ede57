/* SPDX-License-Identifier: MIT */

/*
 * What a sample costs in the handler, which is called on this thread as the
 * kernel would call it, without a signal: what that costs on top, bench/costs
 * compares with an empty handler's. Each call is timed on its own. Between two
 * the VM leaves and enters a few of its innermost frames, and the clock is
 * disabled, as its tick would leave it.
 *
 * The same calls with system calls that do nothing show what the library itself
 * takes; these are linked in by ld's --wrap.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include <linux/perf_event.h>
#include <sys/ioctl.h>

#include <vmprof/vmprof.h>

#include "os/barrier.h"
#include "record/session.h"
#include "record/signal/handler.h"
#include "row.h"

enum {
    ROUNDS = 40,
    CALLS = 500, /* of each kind, in a round */
    SAMPLES = ROUNDS * CALLS,
    MOST_DEPTH = 1000,
    MOST_CHANGED = 4,
    LONG_NS = 900 * 1000 * 1000, /* no tick comes of itself */
    AGE_S = 2,                   /* of the thread, longer than any period */
};

int
__real_ioctl(int fd, unsigned long request, ...);
int
__real_clock_gettime(clockid_t clock, struct timespec *out);
int
__wrap_ioctl(int fd, unsigned long request, ...);
int
__wrap_clock_gettime(clockid_t clock, struct timespec *out);

/* A column: one way to spend time, and each time that it took. */
struct column {
    const char *what;
    void (*spend)(void);
    void (*prepare)(void);
    unsigned depth;
    bool without_calls;
    double budget_ns[2]; /* of the median and the 99th percentile; 0: none */
    uint32_t ns[SAMPLES];
};

static struct vmp_thread *thread;
static vmprof_token tokens[MOST_DEPTH];
static uintptr_t positions[MOST_DEPTH];
static unsigned depth;
static uint64_t random_state = 88172645463325252;
static bool without_calls;
static struct timespec frozen;
static siginfo_t info;
static ucontext_t context;

int
__wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    void *argument;

    if (without_calls)
        return 0;
    va_start(arguments, request);
    argument = va_arg(arguments, void *);
    va_end(arguments);
    return __real_ioctl(fd, request, argument);
}

int
__wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    if (clock != CLOCK_THREAD_CPUTIME_ID)
        return __real_clock_gettime(clock, out);
    if (without_calls) {
        frozen.tv_nsec++;
        *out = frozen;
        return 0;
    }
    __real_clock_gettime(clock, out);
    out->tv_sec += AGE_S;
    return 0;
}

static uint64_t
now_ns(void)
{
    struct timespec now;

    __real_clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static unsigned
draw(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)((random_state >> 11) % below);
}

static void
set_depth(unsigned to)
{
    while (depth > to)
        vmprof_execute_code_leave(&thread->head, tokens[--depth]);
    for (; depth < to; depth++)
        tokens[depth] = vmprof_execute_code_enter(
            &thread->head, 4 * (1 + (uint64_t)draw(1000)), &positions[depth]);
}

/* As the kernel leaves it that sends a tick, when its period is over. */
static void
end_period(void)
{
    __real_ioctl(thread->clock.fd, PERF_EVENT_IOC_DISABLE, 0);
    thread->clock.armed_cpu_ns -= thread->clock.period_ns;
}

static void
change_some(void)
{
    const unsigned now = depth;

    set_depth(now - 1 - draw(MOST_CHANGED));
    set_depth(now);
    end_period();
}

static void
change_all(void)
{
    const unsigned now = depth;

    set_depth(0);
    set_depth(now);
    end_period();
}

static void
call_handler(void)
{
    vmp_handle_signal(VMP_SIGNAL, &info, &context);
}

static void
call_nothing(void)
{
}

static void
read_cpu_clock(void)
{
    struct timespec now;

    __real_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
}

static void
set_period(void)
{
    const uint64_t period_ns = LONG_NS / 2 + draw(LONG_NS);

    __real_ioctl(thread->clock.fd, PERF_EVENT_IOC_PERIOD, &period_ns);
}

static void
refresh(void)
{
    __real_ioctl(thread->clock.fd, PERF_EVENT_IOC_REFRESH, 1);
}

enum {
    TIMER,
    CPU_CLOCK,
    PERIOD,
    REFRESH,
    WHOLE_50,
    OWN_50,
    WHOLE_1000,
    OWN_1000,
    OWN_ALL_NEW,
    COLUMN_COUNT,
};

static struct column columns[COLUMN_COUNT] = {
    [TIMER] = {
        .what = "reading the time, left out below",
        .spend = call_nothing,
        .prepare = call_nothing,
        .depth = 50,
    },
    [CPU_CLOCK] = {
        .what = "system call: the thread's CPU time",
        .spend = read_cpu_clock,
        .prepare = end_period,
        .depth = 50,
    },
    [PERIOD] = {
        .what = "system call: the clock's period",
        .spend = set_period,
        .prepare = end_period,
        .depth = 50,
    },
    [REFRESH] = {
        .what = "system call: the clock's next tick",
        .spend = refresh,
        .prepare = end_period,
        .depth = 50,
    },
    [WHOLE_50] = {
        .what = "handler, 50 VM frames",
        .spend = call_handler,
        .prepare = change_some,
        .depth = 50,
    },
    [OWN_50] = {
        .what = "handler without system calls, 50 VM frames",
        .spend = call_handler,
        .prepare = change_some,
        .depth = 50,
        .without_calls = true,
        .budget_ns = { 150, 1000 },
    },
    [WHOLE_1000] = {
        .what = "handler, 1,000 VM frames",
        .spend = call_handler,
        .prepare = change_some,
        .depth = 1000,
    },
    [OWN_1000] = {
        .what = "handler without system calls, 1,000 VM frames",
        .spend = call_handler,
        .prepare = change_some,
        .depth = 1000,
        .without_calls = true,
        .budget_ns = { 1500, 0 },
    },
    [OWN_ALL_NEW] = {
        .what = "handler without system calls, 1,000 new VM frames",
        .spend = call_handler,
        .prepare = change_all,
        .depth = 1000,
        .without_calls = true,
    },
};

static void
empty_ring(void)
{
    const struct vmp_record *record;

    while ((record = vmp_ring_peek(&thread->ring)))
        vmp_ring_consume(&thread->ring, record);
}

static void
measure(struct column *column, unsigned round)
{
    uint32_t *const ns = column->ns + round * CALLS;

    empty_ring();
    set_depth(column->depth);
    without_calls = column->without_calls;
    __real_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &frozen);
    frozen.tv_nsec /= 2; /* so that it can count up */
    frozen.tv_sec += AGE_S;
    thread->last_cpu_ns = 0;
    thread->clock.armed_cpu_ns = AGE_S * UINT64_C(1000000000);
    for (unsigned i = 0; i < CALLS; i++) {
        uint64_t begun;

        column->prepare();
        begun = now_ns();
        column->spend();
        ns[i] = (uint32_t)(now_ns() - begun);
        if (i % 32 == 0)
            empty_ring();
    }
    without_calls = false;
}

static int
compare(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static double
part(const struct column *column, double share)
{
    const double all = column->ns[(size_t)(share * (SAMPLES - 1))];
    const double timer = columns[TIMER].ns[SAMPLES / 2];

    return column == columns ? all : all - timer;
}

static void
print(const struct column *column)
{
    const double median = part(column, 0.5), most = part(column, 0.99);
    const double *const budget = column->budget_ns;
    const bool is_met =
        median <= budget[0] && (budget[1] == 0 || most <= budget[1]);
    char measured[64], spread[64], limit[64] = "";

    printf("%-50s %8.0f %8.0f %8.0f\n", column->what, median, most,
           part(column, 0.999));
    snprintf(measured, sizeof(measured), "%.0f ns", median);
    snprintf(spread, sizeof(spread), "99th percentile %.0f ns", most);
    if (budget[1] != 0)
        snprintf(limit, sizeof(limit), "%.0f ns, 99th percentile %.0f ns",
                 budget[0], budget[1]);
    else if (budget[0] != 0)
        snprintf(limit, sizeof(limit), "%.0f ns", budget[0]);
    bench_row(column->what, measured, spread, limit, "",
              budget[0] != 0 ? is_met : -1);
}

static int
begin(void)
{
    struct vmprof_thread *head;
    int r;

    /* A session as enabling makes it, with no writer. */
    vmp_barrier_prepare();
    vmp_session.interval_ns = LONG_NS;
    vmp_session.max_frames = 1024;
    vmp_session.ring_size = 1 << 20;
    atomic_store(&vmp_session.sampling, true);
    r = vmprof_attach_thread(NULL, &head);
    if (r < 0)
        return r;
    thread = (struct vmp_thread *)head;
    r = vmp_clock_start(&thread->clock, VMPROF_CLOCK_PERF, thread->tid,
                        LONG_NS);
    info.si_code = POLL_HUP;
    info.si_fd = thread->clock.fd;
    getcontext(&context);
    return r;
}

int
main(void)
{
    const int r = begin();

    if (r < 0) {
        fprintf(stderr, "handler: no perf clock here: %s\n", strerror(-r));
        return 1;
    }
    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned i = 0; i < COLUMN_COUNT; i++)
            measure(&columns[i], round);
    if (!thread->counters.samples) {
        fprintf(stderr, "handler: it takes the ticks for somebody else's\n");
        return 1;
    }
    set_depth(0);
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        qsort(columns[i].ns, SAMPLES, sizeof(*columns[i].ns), compare);
    printf("%-50s %8s %8s %8s\n", "nanoseconds", "median", "99 %", "99.9 %");
    for (unsigned i = 0; i < COLUMN_COUNT; i++)
        print(&columns[i]);
    return 0;
}
