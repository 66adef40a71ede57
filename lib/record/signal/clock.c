/* SPDX-License-Identifier: MIT */

/* The part of the clocks that the handler uses. Signal context. */

#include "../../os/clock.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    USUAL_WAY_NS = 200 * 1000,
    MOST_WAY_NS = 100 * 1000,
    LEAST_PERIOD_NS = 10 * 1000, /* perf has no shorter one */

    /* Else a tick follows the handler of the last before the host has run one
     * instruction. perf counts no time of the kernel's, where a signal spends
     * most of its own. */
    LEAST_TIMER_NS = 20 * 1000,

    MOST_SWITCH_NS = 20 * 1000,
    LEAST_LEG_NS = 100 * 1000, /* of which a handler is but a small part */
    MOST_EARLY = 4,            /* periods that are made up for */
    MOVE_NS = 1000, /* by which a count may be off where it is moved */
    RARELY = 32,    /* periods: to tick a thread that may sleep */
};

/* Marks our timers' signals; perf's are marked by their descriptor. */
uintptr_t vmp_clock_cookie;

uint64_t vmp_clock_grain_ns;

static uint64_t
read_count(const struct vmp_clock *clock)
{
    uint64_t count_ns;

    /* Not read(): a thread that is to be cancelled would end in it, and its
     * handler never would. */
    return syscall(SYS_read, clock->fd, &count_ns, sizeof(count_ns)) ==
                   sizeof(count_ns)
               ? count_ns
               : 0;
}

/* A signal that nobody blocks has its way to go, too. */
static bool
is_held_back(const struct vmp_clock *clock, uint64_t late_ns)
{
    return late_ns > clock->asked_ns / 2 && late_ns > USUAL_WAY_NS;
}

/* A median, as each of them is told. */
static uint64_t
follow(uint64_t median_ns, uint64_t seen_ns, uint64_t least_step_ns,
       uint64_t most_ns)
{
    const uint64_t step_ns = median_ns / 16 + least_step_ns;

    if (seen_ns > median_ns + step_ns && median_ns < most_ns)
        return median_ns + step_ns;
    return seen_ns + step_ns < median_ns ? median_ns - step_ns : median_ns;
}

/* How often the thread left the CPU in so much of its time, as often as it does
 * since that was asked last. */
static uint64_t
count_switches(struct vmp_clock *clock, uint64_t elapsed_ns)
{
    const uint64_t cpu_ns = clock->armed_cpu_ns + elapsed_ns,
                   used_ns = cpu_ns - clock->switched_cpu_ns;
    uint64_t before = clock->switches;
    struct rusage usage;

    if (getrusage(RUSAGE_THREAD, &usage) < 0)
        return 0;
    clock->switches = (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
    clock->switched_cpu_ns = cpu_ns;
    return used_ns ? ((clock->switches - before) * elapsed_ns + used_ns / 2) /
                         used_ns
                   : 0;
}

/*
 * A thread that was off the CPU begins with the end of the switch to it, a few
 * microseconds of its time that perf does not count: where it often is, they add up
 * to what looks like a tick that waited. Returns what they do not explain.
 */
static uint64_t
leave_out_switches(struct vmp_clock *clock, uint64_t elapsed_ns,
                   uint64_t over_ns)
{
    const uint64_t switches = count_switches(clock, elapsed_ns);

    if (!switches)
        return over_ns;
    /* Few ticks wait for a mask, and those rarely for as little. */
    clock->switch_ns =
        follow(clock->switch_ns, over_ns / switches, 100, MOST_SWITCH_NS);
    return vmp_since(switches * clock->switch_ns, over_ns);
}

/*
 * Where most ticks fall into the kernel the next is asked for sooner, so that
 * there are samples at all, until the observer looks there. Not where few do: those
 * between them would stand for less than a period, and a log has none that do.
 * `tries` is how many ticks one takes, in 256ths, as a mean over the last few.
 */
static void
adapt_tries(struct vmp_clock *clock, uint64_t lost)
{
    const int64_t now = (int64_t)((lost < 15 ? lost : 15) + 1) * VMP_ONE_TRY;

    clock->tries += (now - clock->tries) / 8;
    clock->on_time = lost ? 0 : clock->on_time + 1;
    if (lost)
        clock->gaps++;
    else if (clock->on_time == VMP_MANY_ON_TIME)
        clock->gaps /= 2; /* of many, chance makes such a row now and then */
}

static uint64_t
mean_period(uint64_t interval_ns)
{
    return interval_ns < LEAST_PERIOD_NS ? LEAST_PERIOD_NS : interval_ns;
}

/* Of the mean length, to the nearest: of jittered periods one over their
 * length would count, which is more, and whole ones alone are fewer. */
static uint64_t
periods_in(uint64_t late_ns, uint64_t interval_ns)
{
    return (late_ns + mean_period(interval_ns) / 2) / mean_period(interval_ns);
}

/*
 * How many of those that were lost are due, at a tick that is. Those that are asked
 * for sooner are more than what is due, one by one; what came too soon is made up
 * for by those that are lost.
 */
static uint64_t
due_of_lost(struct vmp_clock *clock, uint64_t lost, uint64_t interval_ns)
{
    const uint64_t mean_ns = mean_period(interval_ns);
    int64_t unit_ns, late_ns;
    uint64_t due = 0;

    if (clock->period_ns >= clock->asked_ns)
        return lost;
    /* Of threads that polls sample, ticks are rarer. */
    unit_ns = (int64_t)(clock->asked_ns > mean_ns * 3 / 2 ? clock->asked_ns
                                                          : mean_ns);
    late_ns =
        (int64_t)((lost + 1) * clock->period_ns) - unit_ns - clock->early_ns;
    if (lost && late_ns > 0)
        due = (uint64_t)((late_ns + unit_ns / 2) / unit_ns);
    late_ns -= (int64_t)due * unit_ns;
    clock->early_ns =
        late_ns < -MOST_EARLY * unit_ns ? MOST_EARLY * unit_ns : -late_ns;
    return due;
}

/*
 * perf's event counts the thread's CPU time from its arming until its tick is on
 * the way, which is up to 40 us of the CPU where processors are virtual, so
 * periods in there passed in the kernel; what is left of the time was spent
 * with the tick on its way. The count is a system call away, which is saved
 * while the time says that there was one period, and while it is known well
 * enough without.
 */
static void
read_perf(struct vmp_clock *clock, uint64_t elapsed_ns, uint64_t interval_ns,
          struct vmp_missed *missed)
{
    const uint64_t period_ns = clock->period_ns, way_ns = clock->way_ns;
    uint64_t count_ns, ran_ns, over_ns, lost;

    /* It was on its way when a poll moved it. */
    if (elapsed_ns < period_ns) {
        clock->ran_ns = read_count(clock);
        clock->unsure_ns = 0;
        return;
    }
    if (elapsed_ns < period_ns + way_ns + period_ns / 2) {
        const uint64_t late_ns = vmp_since(period_ns, elapsed_ns);

        __atomic_store_n(&clock->way_ns,
                         follow(way_ns, late_ns, 250, MOST_WAY_NS),
                         __ATOMIC_RELAXED);
        clock->ran_ns += period_ns;
        clock->unsure_ns += late_ns;
        if (clock->unsure_ns > period_ns / 4) {
            clock->ran_ns = read_count(clock);
            clock->unsure_ns = 0;
        }
        adapt_tries(clock, 0);
        missed->system = due_of_lost(clock, 0, interval_ns);
        return;
    }
    count_ns = read_count(clock);
    ran_ns = vmp_since(clock->ran_ns + clock->unsure_ns / 2 + way_ns, count_ns);
    if (ran_ns < period_ns)
        ran_ns = period_ns;
    over_ns = leave_out_switches(clock, elapsed_ns,
                                 vmp_since(ran_ns + way_ns, elapsed_ns));
    clock->ran_ns = count_ns;
    clock->unsure_ns = 0;
    lost = (ran_ns + period_ns / 2) / period_ns - 1;
    adapt_tries(clock, lost);
    missed->system = due_of_lost(clock, lost, interval_ns);
    missed->system_ns = lost * period_ns;
    missed->overrun = over_ns / clock->asked_ns;
    missed->held_back = is_held_back(clock, over_ns);
}

/* A timer on a CPU clock is late by a tick of the kernel, and it may skip a few. */
static void
read_timer(const struct vmp_clock *clock, uint64_t elapsed_ns,
           uint64_t interval_ns, struct vmp_missed *missed)
{
    const uint64_t period_ns =
        clock->period_ns > clock->asked_ns ? clock->period_ns : clock->asked_ns;
    const bool is_coarse = clock->rung == VMPROF_CLOCK_CPU_TIMER ||
                           clock->sleep.armed == VMP_ARMED_CPU_TIMER;
    const uint64_t due_ns =
        period_ns + (is_coarse ? 4 * vmp_clock_grain_ns : 0);

    if (elapsed_ns >= period_ns)
        missed->overrun = periods_in(elapsed_ns - period_ns, interval_ns);
    missed->held_back =
        elapsed_ns > due_ns && is_held_back(clock, elapsed_ns - due_ns);
}

void
vmp_clock_read(struct vmp_clock *clock, uint64_t now_ns, uint64_t cpu_ns,
               uint64_t interval_ns, const void *context,
               struct vmp_missed *missed)
{
    /* Whoever begins it may do so meanwhile. */
    const uint64_t elapsed_ns = vmp_since(clock->armed_cpu_ns, cpu_ns),
                   passed_ns = vmp_since(clock->armed_ns, now_ns);

    *missed = (struct vmp_missed){
        .late_ns = vmp_since(clock->period_ns, elapsed_ns),
    };
    if (clock->rung == VMPROF_CLOCK_PERF)
        read_perf(clock, elapsed_ns, interval_ns, missed);
    else if (clock->rung != VMPROF_CLOCK_AUTO)
        read_timer(clock, elapsed_ns, interval_ns, missed);
    /* The observer, and the writer's thread, look at them meanwhile. */
    __atomic_store_n(&clock->armed_cpu_ns, cpu_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&clock->armed_ns, now_ns, __ATOMIC_RELAXED);
    if (clock->rung == VMPROF_CLOCK_MONOTONIC)
        vmp_sleep_read(&clock->sleep, elapsed_ns, passed_ns,
                       mean_period(interval_ns), context);
}

static void
set_timer(struct vmp_clock *clock, timer_t timer, uint64_t after_ns)
{
    const struct itimerspec once = {
        .it_value = { .tv_sec = (time_t)(after_ns / 1000000000),
                      .tv_nsec = (long)(after_ns % 1000000000) },
    };

    if (timer_settime(timer, 0, &once, NULL) < 0)
        __atomic_store_n(&clock->error, errno, __ATOMIC_RELAXED);
}

static void
rearm_timer(struct vmp_clock *clock, uint64_t period_ns)
{
    if (period_ns < LEAST_TIMER_NS)
        period_ns = LEAST_TIMER_NS;
    clock->period_ns = period_ns;
    set_timer(clock, clock->timer, period_ns);
}

static void
set_event(struct vmp_clock *clock)
{
    if (ioctl(clock->fd, PERF_EVENT_IOC_REFRESH, 1) < 0)
        __atomic_store_n(&clock->error, errno, __ATOMIC_RELAXED);
}

void
vmp_clock_begin(struct vmp_clock *clock, uint64_t cpu_ns)
{
    /* To make it took a while. */
    __atomic_store_n(&clock->armed_cpu_ns, cpu_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&clock->armed_ns, vmp_now_ns(CLOCK_MONOTONIC),
                     __ATOMIC_RELAXED);
    if (clock->rung == VMPROF_CLOCK_PERF)
        set_event(clock);
    else if (clock->rung != VMPROF_CLOCK_AUTO)
        set_timer(clock, clock->timer, clock->period_ns);
}

void
vmp_clock_go_on(struct vmp_clock *clock, uint64_t left_ns)
{
    rearm_timer(clock, left_ns > LEAST_LEG_NS ? left_ns : LEAST_LEG_NS);
}

/* Before it is armed: the tick may come at once. */
static void
note_armed(struct vmp_clock *clock, enum vmp_armed armed)
{
    __atomic_store_n(&clock->sleep.armed, armed, __ATOMIC_RELEASE);
}

void
vmp_clock_let_sleep(struct vmp_clock *clock)
{
    clock->sleep.is_long = true;
    if (!clock->has_cpu_timer) {
        note_armed(clock, VMP_ARMED_TIMER);
        rearm_timer(clock, RARELY * clock->asked_ns);
        return;
    }
    clock->period_ns = LEAST_TIMER_NS;
    note_armed(clock, VMP_ARMED_CPU_TIMER);
    set_timer(clock, clock->cpu_timer, clock->period_ns);
}

bool
vmp_clock_rest(struct vmp_clock *clock, bool is_looked_at)
{
    clock->sleep.idle_looks = 0;
    if (!is_looked_at)
        vmp_clock_let_sleep(clock);
    else
        note_armed(clock, VMP_ARMED_NOTHING);
    return is_looked_at;
}

bool
vmp_clock_is_resting(const struct vmp_clock *clock)
{
    /* Pairs with note_armed(). */
    return __atomic_load_n(&clock->rung, __ATOMIC_RELAXED) ==
               VMPROF_CLOCK_MONOTONIC &&
           __atomic_load_n(&clock->sleep.armed, __ATOMIC_ACQUIRE) ==
               VMP_ARMED_NOTHING;
}

void
vmp_clock_tick_now(struct vmp_clock *clock, uint64_t now_ns, uint64_t cpu_ns,
                   uint64_t stands_for_ns)
{
    clock->sleep.rested_ns = now_ns - clock->armed_ns;
    clock->sleep.stands_for_ns = stands_for_ns;
    clock->armed_ns = now_ns;
    clock->armed_cpu_ns = cpu_ns;
    clock->period_ns = clock->asked_ns;
    note_armed(clock, VMP_ARMED_AT_WORK);
    set_timer(clock, clock->timer, 1);
}

void
vmp_clock_rearm(struct vmp_clock *clock, uint64_t period_ns)
{
    if (period_ns < LEAST_PERIOD_NS)
        period_ns = LEAST_PERIOD_NS;
    clock->asked_ns = period_ns;
    if (clock->rung == VMPROF_CLOCK_PERF) {
        if (clock->tries > VMP_ONE_TRY * 2 && !clock->is_looked_at)
            period_ns = period_ns * VMP_ONE_TRY / (uint64_t)clock->tries;
        if (period_ns < LEAST_PERIOD_NS)
            period_ns = LEAST_PERIOD_NS;
        __atomic_store_n(&clock->period_ns, period_ns, __ATOMIC_RELAXED);
        ioctl(clock->fd, PERF_EVENT_IOC_PERIOD, &period_ns);
        set_event(clock);
    } else if (clock->rung != VMPROF_CLOCK_AUTO) {
        rearm_timer(clock, period_ns);
    }
}

/* Of one that has ended, as its tick was lost, it changes nothing: armed_ns, by
 * which that is found out, stays. */
static void
move_event(struct vmp_clock *clock, uint64_t elapsed_ns, uint64_t period_ns)
{
    /* Its tick may be on the way, since when it counts nothing. */
    const bool has_ended = elapsed_ns >= clock->period_ns;

    /* The host may have closed it, and have another file of its number. */
    if (ioctl(clock->fd, PERF_EVENT_IOC_PERIOD, &period_ns) < 0) {
        __atomic_store_n(&clock->error, errno, __ATOMIC_RELAXED);
        return;
    }
    clock->ran_ns += elapsed_ns;
    clock->unsure_ns += MOVE_NS;
    if (has_ended || clock->unsure_ns > period_ns / 4) {
        clock->ran_ns = read_count(clock);
        clock->unsure_ns = 0;
    }
}

/* Else its tick is on the way, or the host has taken the signal. */
static bool
is_on_its_timer(const struct vmp_clock *clock, uint64_t now_ns)
{
    return clock->rung == VMPROF_CLOCK_MONOTONIC &&
           now_ns < clock->armed_ns + clock->period_ns &&
           __atomic_load_n(&clock->sleep.armed, __ATOMIC_RELAXED) ==
               VMP_ARMED_TIMER;
}

static void
move_timer(struct vmp_clock *clock, uint64_t now_ns, uint64_t period_ns)
{
    clock->sleep.slept_in = 0;
    __atomic_store_n(&clock->armed_ns, now_ns, __ATOMIC_RELAXED);
    set_timer(clock, clock->timer, period_ns);
}

void
vmp_clock_move(struct vmp_clock *clock, uint64_t now_ns, uint64_t cpu_ns,
               uint64_t period_ns, uint64_t interval_ns)
{
    const uint64_t elapsed_ns = vmp_since(clock->armed_cpu_ns, cpu_ns);

    if (clock->rung != VMPROF_CLOCK_PERF && !is_on_its_timer(clock, now_ns))
        return;
    /* In a system call perf's event ends in vain each time. */
    if (period_ns < interval_ns / 4)
        period_ns = interval_ns / 4;
    if (clock->rung == VMPROF_CLOCK_PERF)
        move_event(clock, elapsed_ns, period_ns);
    else
        move_timer(clock, now_ns, period_ns);
    clock->asked_ns = period_ns < interval_ns ? interval_ns : period_ns;
    __atomic_store_n(&clock->period_ns, period_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&clock->armed_cpu_ns, cpu_ns, __ATOMIC_RELAXED);
}

/*
 * No other process can send a code above 0, nor knows the cookie. F_SETSIG
 * could make a descriptor of the host send such signals, too. perf's event ends
 * with each tick, which is a POLL_HUP. With a POLL_IN it goes on: it was asked for
 * two, since somebody forged one, and will send the other.
 */
bool
vmp_clock_sent(const struct vmp_clock *clock, const siginfo_t *info)
{
    int fd;

    if (info->si_code == SI_TIMER)
        return (uintptr_t)info->si_value.sival_ptr == vmp_clock_cookie;
    if (info->si_code != POLL_HUP)
        return false;
    if (!clock)
        return true;
    /* Another thread may be replacing it. */
    fd = __atomic_load_n(&clock->fd, __ATOMIC_RELAXED);
    return fd == info->si_fd &&
           (fd || __atomic_load_n(&clock->rung, __ATOMIC_RELAXED) ==
                      VMPROF_CLOCK_PERF);
}

uint64_t
vmp_now_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) < 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
