/* SPDX-License-Identifier: MIT */

/* What a host may do to its signals and descriptors while it is profiled. */

#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>

#include "mask.h"
#include "profiled.h"
#include "rungs.h"

static void
require_more_samples(void)
{
    const uint64_t before = profile_stats().samples;

    require(burn_until(profile_stats().samples > before + 5, 10000));
}

/* The kernel discards the tick, which was to ask for the next one. */
static void
ignore_for_a_while(void)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct sigaction ours;
    int file;

    rung = VMPROF_CLOCK_AUTO;
    attach();
    file = enable(0.001);
    require_more_samples();
    require(sigaction(SIGPROF, &ignore, &ours) == 0);
    burn_cpu_ms(20);
    require(sigaction(SIGPROF, &ours, NULL) == 0);
    require_more_samples();
    require(profile_stats().clock_error == ECANCELED);
    end_profile(file);
}

static void
take_it_where_it_is_blocked(void)
{
    const struct timespec patience = { 5, 0 };
    sigset_t signals;
    int file;

    rung = VMPROF_CLOCK_MONOTONIC;
    attach();
    file = enable(0.001);
    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    set_mask(SIG_BLOCK);
    burn_cpu_ms(5);
    require(sigtimedwait(&signals, NULL, &patience) == SIGPROF);
    set_mask(SIG_UNBLOCK);
    require_more_samples();
    end_profile(file);
}

static void
a_tick_that_the_host_takes_is_not_the_last(void **state)
{
    (void)state;
    assert_int_equal(isolate(ignore_for_a_while, 60), 0);
    assert_int_equal(isolate(take_it_where_it_is_blocked, 60), 0);
}

static atomic_bool is_ready, is_over;
static bool leaves_first;

/* Works on after the end, when a tick would find no handler. */
static void *
have_descriptors_alone(void *user)
{
    (void)user;
    if (leaves_first)
        require(unshare(CLONE_FILES) == 0);
    attach();
    require(leaves_first || unshare(CLONE_FILES) == 0);
    atomic_store(&is_ready, true);
    while (!atomic_load(&is_over))
        burn_cpu_ms(1);
    burn_cpu_ms(20);
    return NULL;
}

static void
sample_who_left(void)
{
    pthread_t thread;
    uint64_t before;
    int file = leaves_first ? enable(0.001) : 0;

    require(pthread_create(&thread, NULL, have_descriptors_alone, NULL) == 0);
    require(wait_until(atomic_load(&is_ready), 5000));
    if (!leaves_first)
        file = enable(0.001);
    before = profile_stats().samples;
    require(wait_until(profile_stats().samples > before + 5, 10000));
    end_profile(file);
    atomic_store(&is_over, true);
    require(pthread_join(thread, NULL) == 0);
}

static void
a_thread_with_descriptors_of_its_own_is_sampled(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        leaves_first = i;
        on_each_rung(sample_who_left);
    }
}

static sigjmp_buf before_the_jump;
static volatile sig_atomic_t jumps;

static void
jump(int number)
{
    jumps += number == SIGPROF;
    siglongjmp(before_the_jump, 1);
}

static void
jump_out_of_forwarded_signals(void)
{
    const struct sigaction action = { .sa_handler = jump };
    int file;

    require(sigaction(SIGPROF, &action, NULL) == 0);
    attach();
    file = enable(0.001);
    for (volatile int i = 0; i < 100; i++)
        if (sigsetjmp(before_the_jump, 1) == 0) {
            require(kill(getpid(), SIGPROF) == 0);
            for (;;)
                burn_cpu_ms(1);
        }
    require(jumps == 100);
    require_more_samples();
    end_profile(file);
}

static void
a_hosts_handler_may_leave_by_a_jump(void **state)
{
    (void)state;
    on_each_rung(jump_out_of_forwarded_signals);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tick_that_the_host_takes_is_not_the_last),
        cmocka_unit_test(a_thread_with_descriptors_of_its_own_is_sampled),
        cmocka_unit_test(a_hosts_handler_may_leave_by_a_jump),
    };

    return cmocka_run_group_tests_name("whims", tests, NULL, NULL);
}
