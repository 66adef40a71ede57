/* SPDX-License-Identifier: MIT */

/* Starting and stopping the sampling clocks of a thread. Linux. */

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pending.h"

#ifndef sigev_notify_thread_id
#    define sigev_notify_thread_id _sigev_un._tid
#endif

extern uintptr_t vmp_clock_cookie;

enum {
    CHECK_PERIOD_NS = 200 * 1000,
    CHECK_PATIENCE_NS = 100 * 1000 * 1000,
    CHECKS = 3, /* while the host sends the signal, too */
    CHECK_NAPS = 5,
    MOST_NAP_NS = 100 * 1000,
    PER_THREAD_SCHED = 6, /* the kernel's clock number for one thread */

    /* A thread that begins is in the kernel for most of its time, where perf
     * lets each period end in vain and begins the next: of a shorter one four in a
     * thread, each of them an interrupt. */
    LEAST_FIRST_NS = 20 * 1000,
};

static uint64_t usual_way_ns; /* of perf's ticks; under the threads' lock */

static clockid_t
cpu_clock_of(pid_t tid)
{
    return (clockid_t)((~(unsigned)tid) << 3 | PER_THREAD_SCHED);
}

static void
make_cookie(void)
{
    struct timespec grain = { .tv_nsec = 10 * 1000 * 1000 };

    const unsigned char *const secret = (const void *)getauxval(AT_RANDOM);

    /* The program's own, which forked children share; not to be read back. */
    for (unsigned i = 0; secret && i < 16; i++)
        vmp_clock_cookie =
            (vmp_clock_cookie ^ secret[i]) * (uintptr_t)0x100000001b3;
    vmp_clock_cookie ^= (uintptr_t)&vmp_clock_cookie;
    clock_getres(CLOCK_MONOTONIC_COARSE, &grain);
    vmp_clock_grain_ns = (uint64_t)grain.tv_nsec;
}

static int
aim_at_thread(int fd, pid_t tid)
{
    const struct f_owner_ex owner = { F_OWNER_TID, tid };

    if (fcntl(fd, F_SETFL, O_ASYNC) < 0 || fcntl(fd, F_SETSIG, VMP_SIGNAL) < 0)
        return -errno;
    return fcntl(fd, F_SETOWN_EX, &owner) < 0 ? -errno : 0;
}

static int
open_perf(pid_t tid, uint64_t period_ns)
{
    struct perf_event_attr attr = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof(attr),
        .config = PERF_COUNT_SW_TASK_CLOCK,
        .sample_period = period_ns,
        .disabled = 1,
        /* A tick inside execve() would reach the program that is executed, and
         * kill it. The time of a system call counts at the next tick. */
        .exclude_kernel = 1,
        .exclude_hv = 1,
        .wakeup_events = 1,
    };
    const int fd = (int)syscall(SYS_perf_event_open, &attr, tid, -1, -1,
                                PERF_FLAG_FD_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

/* The kernel's number of a perf event, which is never used again; or 0. */
static uint64_t
event_of(int fd)
{
    uint64_t event = 0;

    /* musl's ioctl() takes an int, which this number does not fit. */
    return syscall(SYS_ioctl, fd, PERF_EVENT_IOC_ID, &event) < 0 ? 0 : event;
}

static int
start_perf(struct vmp_clock *clock, pid_t tid, uint64_t period_ns)
{
    const int fd = open_perf(tid, period_ns);
    int r;

    if (fd < 0)
        return fd;
    r = aim_at_thread(fd, tid);
    if (r < 0) {
        close(fd);
        return r;
    }
    clock->event = event_of(fd);
    __atomic_store_n(&clock->fd, fd, __ATOMIC_RELAXED);
    __atomic_store_n(&clock->rung, VMPROF_CLOCK_PERF, __ATOMIC_RELEASE);
    return 0;
}

static int
new_timer(clockid_t clock, pid_t tid, timer_t *out)
{
    struct sigevent event = {
        .sigev_notify = SIGEV_THREAD_ID,
        .sigev_signo = VMP_SIGNAL,
        .sigev_notify_thread_id = tid,
    };

    event.sigev_value.sival_ptr = (void *)vmp_clock_cookie;
    return timer_create(clock, &event, out) < 0 ? -errno : 0;
}

static int
start_timer(struct vmp_clock *clock, enum vmprof_clock rung, pid_t tid)
{
    const bool monotonic = rung == VMPROF_CLOCK_MONOTONIC;
    int r = new_timer(monotonic ? CLOCK_MONOTONIC : cpu_clock_of(tid), tid,
                      &clock->timer);

    if (r < 0)
        return r;
    clock->has_cpu_timer =
        monotonic && new_timer(cpu_clock_of(tid), tid, &clock->cpu_timer) == 0;
    __atomic_store_n(&clock->fd, -1, __ATOMIC_RELAXED);
    __atomic_store_n(&clock->rung, rung, __ATOMIC_RELEASE);
    return 0;
}

int
vmp_clock_start(struct vmp_clock *clock, enum vmprof_clock rung, pid_t tid,
                uint64_t period_ns)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    const uint64_t first_ns =
        rung == VMPROF_CLOCK_PERF && period_ns < LEAST_FIRST_NS ? LEAST_FIRST_NS
                                                                : period_ns;
    const struct vmp_clock fresh = {
        .period_ns = first_ns | 1,
        .asked_ns = first_ns | 1,
        .tries = VMP_ONE_TRY,
        .way_ns = rung == VMPROF_CLOCK_PERF ? usual_way_ns : 0,
        .armed_cpu_ns = vmp_thread_cpu_ns(tid),
        .armed_ns = vmp_now_ns(CLOCK_MONOTONIC),
    };

    pthread_once(&once, make_cookie);
    /* A handler may look at what comes before: it is off, and the descriptor is
     * the old one until there is another. */
    memcpy((char *)clock + offsetof(struct vmp_clock, event),
           (const char *)&fresh + offsetof(struct vmp_clock, event),
           sizeof(fresh) - offsetof(struct vmp_clock, event));
    if (rung == VMPROF_CLOCK_PERF)
        return start_perf(clock, tid, first_ns);
    if (rung == VMPROF_CLOCK_MONOTONIC || rung == VMPROF_CLOCK_CPU_TIMER)
        return start_timer(clock, rung, tid);
    return -EINVAL;
}

/* A last tick comes while it is taken apart: it is off for the handler first. */
static enum vmprof_clock
take_off(struct vmp_clock *clock)
{
    const enum vmprof_clock rung = clock->rung;

    __atomic_store_n(&clock->rung, VMPROF_CLOCK_AUTO, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return rung;
}

bool
vmp_clock_is_gone(const struct vmp_clock *clock)
{
    return clock->rung == VMPROF_CLOCK_PERF &&
           event_of(clock->fd) != clock->event;
}

uint64_t
vmp_clock_count(const struct vmp_clock *clock)
{
    uint64_t count_ns;

    return clock->rung == VMPROF_CLOCK_PERF &&
                   read(clock->fd, &count_ns, sizeof(count_ns)) ==
                       sizeof(count_ns)
               ? count_ns
               : 0;
}

bool
vmp_clock_is_done(const struct vmp_clock *clock)
{
    const enum vmp_armed armed =
        __atomic_load_n(&clock->sleep.armed, __ATOMIC_RELAXED);
    struct itimerspec left;

    if (clock->rung == VMPROF_CLOCK_PERF)
        return true;
    return armed != VMP_ARMED_NOTHING &&
           timer_gettime(armed == VMP_ARMED_CPU_TIMER ? clock->cpu_timer
                                                      : clock->timer,
                         &left) == 0 &&
           !left.it_value.tv_sec && !left.it_value.tv_nsec;
}

void
vmp_clock_stop(struct vmp_clock *clock)
{
    const bool is_gone = vmp_clock_is_gone(clock);
    const enum vmprof_clock rung = take_off(clock);

    if (is_gone)
        return;
    if (rung == VMPROF_CLOCK_PERF) {
        /* A process that is being spawned may hold a copy of the descriptor,
         * which keeps the event alive: its tick would find no handler. */
        ioctl(clock->fd, PERF_EVENT_IOC_DISABLE, 0);
        close(clock->fd);
    } else if (rung != VMPROF_CLOCK_AUTO) {
        timer_delete(clock->timer);
        if (clock->has_cpu_timer)
            timer_delete(clock->cpu_timer);
    }
}

void
vmp_clock_leave_to_parent(struct vmp_clock *clock)
{
    const bool is_gone = vmp_clock_is_gone(clock);

    if (take_off(clock) == VMPROF_CLOCK_PERF && !is_gone)
        close(clock->fd);
}

/* Spin, for a CPU clock runs only then, until the blocked signal is pending.
 * Returns -EBUSY if the host's own may have kept the kernel from sending it. */
static int
await_tick(const struct vmp_clock *clock, const sigset_t *signals)
{
    const struct timespec at_once = { 0, 0 };
    const uint64_t end =
        vmp_now_ns(CLOCK_THREAD_CPUTIME_ID) + CHECK_PATIENCE_NS;
    struct vmp_pending hosts = { 0 };
    bool is_late, has_foreign, ticked = false;
    siginfo_t info;

    do {
        /* In time of its own: others may have the CPU. */
        is_late = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID) >= end;
        if (sigtimedwait(signals, &info, &at_once) < 0)
            continue;
        ticked = vmp_clock_sent(clock, &info);
        vmp_pending_add(&hosts, &info);
    } while (!ticked && !is_late);
    has_foreign = hosts.has_thread || hosts.has_process;
    vmp_pending_give_back(&hosts);
    if (ticked)
        return 0;
    return has_foreign ? -EBUSY : -ENOTSUP;
}

/* What a tick took to arrive, for clocks to begin with: some periods ended in the
 * kernel before. */
static uint64_t
way_of(const struct vmp_clock *clock)
{
    const uint64_t way_ns = vmp_clock_count(clock) % CHECK_PERIOD_NS;

    return way_ns < CHECK_PERIOD_NS / 2 ? way_ns : 0;
}

/* What a thread pays to fall asleep and wake up: the least of a few. */
static uint64_t
measure_nap(void)
{
    /* Of a microsecond nothing is left by the time that it begins, where a thread
     * has no timer slack. */
    const struct timespec moment = { .tv_nsec = 50 * 1000 };
    uint64_t least_ns = MOST_NAP_NS;

    for (unsigned i = 0; i < CHECK_NAPS; i++) {
        const uint64_t start_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
        uint64_t nap_ns;

        if (nanosleep(&moment, NULL) < 0)
            continue; /* a signal of the host's */
        nap_ns = vmp_now_ns(CLOCK_THREAD_CPUTIME_ID) - start_ns;
        if (nap_ns < least_ns)
            least_ns = nap_ns;
    }
    return least_ns;
}

static int
check_once(enum vmprof_clock rung, const sigset_t *signals)
{
    struct vmp_clock clock = { 0 };
    int r = vmp_clock_start(&clock, rung, gettid(), CHECK_PERIOD_NS);

    if (r < 0)
        return r;
    vmp_clock_begin(&clock, vmp_now_ns(CLOCK_THREAD_CPUTIME_ID));
    r = clock.error ? -clock.error : await_tick(&clock, signals);
    if (r == 0)
        usual_way_ns = way_of(&clock);
    vmp_clock_stop(&clock);
    if (r == 0 && rung == VMPROF_CLOCK_MONOTONIC)
        vmp_usual_nap_ns = measure_nap();
    return r;
}

int
vmp_clock_check(enum vmprof_clock rung)
{
    sigset_t signals, before;
    int r = -EBUSY;

    sigemptyset(&signals);
    sigaddset(&signals, VMP_SIGNAL);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    for (unsigned i = 0; i < CHECKS && r == -EBUSY; i++)
        r = check_once(rung, &signals);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r == -EBUSY ? -ENOTSUP : r;
}

uint64_t
vmp_thread_cpu_ns(pid_t tid)
{
    return vmp_now_ns(cpu_clock_of(tid));
}
