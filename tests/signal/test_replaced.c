/* SPDX-License-Identifier: MIT */

/* Clocks that are replaced from another thread, while theirs may be at work with
 * them. */

#include "suite.h"

#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "../../lib/record/session.h"
#include "profiled.h"
#include "rungs.h"

enum {
    SAMPLES = 20,
};

extern uintptr_t vmp_clock_cookie;

static struct vmp_thread *thread;

/* False if the machine has no such clock. */
static bool
begin_on_this_thread(int file, double interval)
{
    const bool is_there = begin(file, interval);

    thread = (struct vmp_thread *)head;
    return is_there;
}

/* As the writer does each second. */
static void
check_clocks(void)
{
    vmp_threads_lock();
    vmp_session_check_clocks();
    vmp_threads_unlock();
}

static void
require_that_samples_come(void)
{
    const uint64_t before = profile_stats().samples;

    require(burn_until(profile_stats().samples >= before + SAMPLES, 10000));
}

/* What a sampler at work has read of it may not change beneath it. */
static void
check_while_busy(void)
{
    const int file = profile_file();
    timer_t timer;
    int fd;

    if (!begin_on_this_thread(file, 0.001))
        return;
    require_that_samples_come();
    atomic_store(&thread->busy, true);
    __atomic_store_n(&thread->clock.error, EINVAL, __ATOMIC_RELAXED);
    fd = thread->clock.fd;
    timer = thread->clock.timer;
    check_clocks();
    require(thread->clock.error == EINVAL);
    require(thread->clock.rung == rung);
    require(thread->clock.fd == fd && thread->clock.timer == timer);
    require(profile_stats().clock_failures == 0);
    atomic_store(&thread->busy, false);
    check_clocks();
    require(profile_stats().clock_failures == 1);
    require(profile_stats().clock_error == EINVAL);
    require_that_samples_come();
    end_profile(file);
}

static void
a_clock_that_is_at_work_is_replaced_later(void **state)
{
    (void)state;
    on_each_rung(check_while_busy);
}

/* As the clock would, which is far from its end. */
static void
send_tick(void)
{
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = SIGPROF;
    info.si_code = rung == VMPROF_CLOCK_PERF ? POLL_HUP : SI_TIMER;
    if (rung == VMPROF_CLOCK_PERF)
        info.si_fd = thread->clock.fd;
    else
        info.si_value.sival_ptr = (void *)vmp_clock_cookie;
    require(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGPROF,
                    &info) == 0);
}

static void
tick_while_replaced(void)
{
    const int file = profile_file();
    struct vmp_clock before;

    if (!begin_on_this_thread(file, 0.9))
        return;
    atomic_store(&thread->is_replaced, true);
    before = thread->clock;
    send_tick();
    require(!memcmp(&before, &thread->clock, sizeof(before)));
    /* Nor do others who sample make it theirs. */
    head->poll_countdown = 0;
    vmprof_poll(head);
    require(vmprof_sample_stack(head, NULL, 0, 0) == 0);
    require(!atomic_load(&thread->busy));
    /* What has just begun may not have noticed yet. */
    atomic_store(&thread->busy, true);
    send_tick();
    require(!memcmp(&before, &thread->clock, sizeof(before)));
    atomic_store(&thread->busy, false);
    atomic_store(&thread->is_replaced, false);
    send_tick();
    require(memcmp(&before, &thread->clock, sizeof(before)));
    end_profile(file);
}

static void
a_tick_touches_no_clock_that_is_being_replaced(void **state)
{
    (void)state;
    on_each_rung(tick_while_replaced);
}

static atomic_bool is_over;
static unsigned replaced;

/* One after the other, each of which has to tick. */
static void *
break_clocks(void *user)
{
    while (replaced < rounds(60)) {
        const struct vmprof_stats before = profile_stats();

        __atomic_store_n(&thread->clock.error, EINVAL, __ATOMIC_RELAXED);
        check_clocks();
        if (profile_stats().clock_failures == before.clock_failures)
            continue;
        replaced++;
        require(wait_until(profile_stats().samples > before.samples, 5000));
    }
    atomic_store(&is_over, true);
    return user;
}

static void
break_and_sample(void)
{
    const int file = profile_file();
    pthread_t breaker;

    /* Shorter than it takes to replace one. */
    if (!begin_on_this_thread(file, 0.00001))
        return;
    require(pthread_create(&breaker, NULL, break_clocks, NULL) == 0);
    require(burn_until(atomic_load(&is_over), 30000));
    require(pthread_join(breaker, NULL) == 0);
    __atomic_store_n(&thread->clock.error, 0, __ATOMIC_RELAXED);
    require_that_samples_come();
    end_profile(file);
    require(profile_stats().clock_failures >= replaced);
}

static void
clocks_that_break_all_the_time_tick_on(void **state)
{
    (void)state;
    on_each_rung(break_and_sample);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clock_that_is_at_work_is_replaced_later),
        cmocka_unit_test(a_tick_touches_no_clock_that_is_being_replaced),
        cmocka_unit_test(clocks_that_break_all_the_time_tick_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
