/* SPDX-License-Identifier: MIT */

/* What a host notices of the signals: nothing. */

#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>

#include "mask.h"
#include "profiled.h"

static struct vmprof_thread *thread;
static volatile sig_atomic_t foreign_signals;
static volatile sig_atomic_t foreign_value;

static void
foreign(int number, siginfo_t *info, void *context)
{
    (void)context;
    foreign_signals += number == SIGPROF;
    foreign_value = info->si_value.sival_int;
    errno = EDOM;
}

static void
foreign_plain(int number)
{
    foreign_signals += number == SIGPROF;
}

static void
attach(void)
{
    require(vmprof_attach_thread(NULL, &thread) == 0);
    vmprof_execute_code_enter(thread, code_named("host"), NULL);
}

static void
send_to_itself(int value)
{
    siginfo_t info = { .si_signo = SIGPROF, .si_code = SI_QUEUE };

    info.si_pid = getpid();
    info.si_uid = getuid();
    info.si_value.sival_int = value;
    /* What pthread_sigqueue() does where there is one. */
    require(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGPROF,
                    &info) == 0);
}

static void
profile_beside(const struct sigaction *action)
{
    const int file = profile_file();
    struct sigaction after;
    struct decoded d;

    attach();
    require(sigaction(SIGPROF, action, NULL) == 0);
    require(vmprof_enable(file, 0.0005) == 0);
    for (int i = 1; i <= 100; i++) {
        send_to_itself(i);
        require(burn_until(foreign_signals == i, 5000));
        burn_cpu_ms(1);
    }
    require(profile_stats().samples > 5);
    finish_profile(file, &d);
    require(foreign_signals == 100);
    require(sigaction(SIGPROF, NULL, &after) == 0);
    require(after.sa_handler == action->sa_handler);
    require((after.sa_flags & SA_SIGINFO) == (action->sa_flags & SA_SIGINFO));
    send_to_itself(101);
    require(burn_until(foreign_signals == 101, 5000));
}

static void
beside_a_handler(void)
{
    const struct sigaction action = { .sa_sigaction = foreign,
                                      .sa_flags = SA_SIGINFO };

    profile_beside(&action);
    require(foreign_value == 101);
}

static void
beside_a_plain_handler(void)
{
    const struct sigaction action = { .sa_handler = foreign_plain };

    profile_beside(&action);
}

static void
a_foreign_handler_gets_its_signals_and_is_restored(void **state)
{
    (void)state;
    assert_int_equal(isolate(beside_a_handler, 20), 0);
    assert_int_equal(isolate(beside_a_plain_handler, 20), 0);
}

/* Someone took the signal meanwhile: it stays theirs. */
static void
replaced_meanwhile(void)
{
    const struct sigaction action = { .sa_handler = foreign_plain };
    struct sigaction after;
    const int file = profile_file();

    attach();
    require(vmprof_enable(file, 0.001) == 0);
    burn_cpu_ms(5);
    require(sigaction(SIGPROF, &action, NULL) == 0);
    burn_cpu_ms(5);
    require(vmprof_disable() == 0);
    require(sigaction(SIGPROF, NULL, &after) == 0);
    require(after.sa_handler == foreign_plain);
}

static void
a_handler_that_replaced_ours_stays(void **state)
{
    (void)state;
    assert_int_equal(isolate(replaced_meanwhile, 20), 0);
}

/* A tick waits where it is blocked: when profiling has ended it must not meet
 * the default action. */
static void
profile_blocked(void)
{
    struct decoded d;
    sigset_t none;

    attach();
    set_mask(SIG_BLOCK);
    for (unsigned i = 0; i < 5; i++) {
        const int file = profile_file();

        require(vmprof_enable(file, 0.0005) == 0);
        require(burn_until(is_pending(), 5000));
        finish_profile(file, &d);
        decoded_free(&d);
    }
    sigemptyset(&none);
    require(sigprocmask(SIG_SETMASK, &none, NULL) == 0);
    burn_cpu_ms(2);
    require(!is_pending());
}

static void
a_host_that_blocks_the_signal_survives(void **state)
{
    (void)state;
    assert_int_equal(isolate(profile_blocked, 20), 0);
}

static void
fail_in_a_loop(void)
{
    const int file = profile_file();
    struct decoded d;

    attach();
    require(vmprof_enable(file, 0.00005) == 0);
    while (profile_stats().samples < rounds(500)) {
        for (unsigned i = 0; i < 1000; i++) {
            require(close(-1) < 0 && errno == EBADF);
            require(open("/nowhere/to/be/found", O_RDONLY) < 0 &&
                    errno == ENOENT);
            errno = ERANGE;
            for (volatile unsigned j = 0; j < 50; j++)
                ;
            require(errno == ERANGE);
        }
    }
    finish_profile(file, &d);
}

static void
errno_is_the_hosts(void **state)
{
    (void)state;
    assert_int_equal(isolate(fail_in_a_loop, 30), 0);
}

/* The code of the innermost frame; 0: none. */
static uint64_t
leaf_of(const struct decoded *d, const struct decoded_sample *sample)
{
    uint32_t frames[8];
    const size_t depth = decoded_stack(d, sample->node, frames, LENGTH(frames));

    return depth ? d->frames[frames[depth - 1]].code : 0;
}

/* The observer interrupts nothing: a sleep is never cut short. Each is found where
 * it is slept, though of what has not run since no stack is read again. */
static void
sleep_observed(void)
{
    const struct timespec nap = { 0, 100 * 1000 * 1000 };
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.0005);
    const vmprof_code_id other = code_named("other");
    struct decoded d;
    size_t off_cpu = 0;
    uint64_t slept = 0, slept_there = 0;

    attach();
    options.mode = VMPROF_MODE_WALL;
    require(vmprof_enable_with(&options) == 0);
    for (unsigned i = 0; i < 4; i++) {
        vmprof_token token = 0;

        if (i & 1)
            token = vmprof_execute_code_enter(thread, other, NULL);
        require(nanosleep(&nap, NULL) == 0);
        if (i & 1)
            vmprof_execute_code_leave(thread, token);
    }
    finish_profile(file, &d);
    for (size_t i = 0; i < d.sample_count; i++) {
        if (!(d.samples[i].state & 1))
            continue;
        off_cpu++;
        slept += d.samples[i].weight;
        if (leaf_of(&d, &d.samples[i]) == other)
            slept_there += d.samples[i].weight;
    }
    require(d.sample_count > 20 && off_cpu > d.sample_count / 10 * 9);
    require(slept_there > slept / 10 * 4 && slept_there < slept / 10 * 6);
}

static void
an_observed_sleep_is_not_interrupted(void **state)
{
    (void)state;
    assert_int_equal(isolate(sleep_observed, 20), 0);
}

static void
work_at_the_shortest_interval(void)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 1e-9);
    struct decoded d;

    options.clock = VMPROF_CLOCK_MONOTONIC;
    attach();
    require(vmprof_enable_with(&options) == 0);
    for (volatile unsigned i = 0; i < 10 * 1000 * 1000; i++)
        ;
    finish_profile(file, &d);
    require(d.sample_count > 0);
}

static void
the_shortest_interval_leaves_time_for_the_host(void **state)
{
    (void)state;
    assert_int_equal(isolate(work_at_the_shortest_interval, 20), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortest_interval_leaves_time_for_the_host),
        cmocka_unit_test(a_foreign_handler_gets_its_signals_and_is_restored),
        cmocka_unit_test(a_handler_that_replaced_ours_stays),
        cmocka_unit_test(a_host_that_blocks_the_signal_survives),
        cmocka_unit_test(errno_is_the_hosts),
        cmocka_unit_test(an_observed_sleep_is_not_interrupted),
    };

    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
