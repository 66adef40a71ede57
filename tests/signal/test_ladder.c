/* SPDX-License-Identifier: MIT */

/* Which rung of the clock ladder a session gets, where a sandbox says yes to what
 * it does not do. */

#include "suite.h"

#include <string.h>

#include "filter.h"
#include "profiled.h"

static const uint32_t rungs[] = { VMPROF_CLOCK_PERF, VMPROF_CLOCK_MONOTONIC,
                                  VMPROF_CLOCK_CPU_TIMER,
                                  VMPROF_CLOCK_OBSERVER };
static uint32_t rung;
static bool has_perf;
static struct vmprof_thread *thread;

static int
enable(int file, uint32_t clock)
{
    struct vmprof_options options = profile_options(file, 0.0005);

    options.clock = clock;
    options.sampling = VMPROF_SAMPLING_SIGNAL;
    if (!thread) {
        require(vmprof_attach_thread(NULL, &thread) == 0);
        vmprof_execute_code_enter(thread, code_named("ladder"), NULL);
    }
    return vmprof_enable_with(&options);
}

/* A session that has samples, and whose file and counters name their clock. */
static void
require_samples_by(uint32_t asked, uint32_t expected)
{
    const int file = profile_file();
    struct decoded d;

    require(enable(file, asked) == 0);
    require(burn_until(profile_stats().samples > 10, 10000));
    require(profile_stats().clock == expected);
    finish_profile(file, &d);
    require(profile_stats().clock == expected);
    require(d.session.number[14] == expected);
    decoded_free(&d);
}

static void
require_none_by(uint32_t asked)
{
    const int file = profile_file();
    struct sigaction action;

    require(enable(file, asked) == -ENOTSUP);
    require(!profile_stats().enabled && lseek(file, 0, SEEK_END) == 0);
    require(sigaction(SIGPROF, NULL, &action) == 0);
    require(action.sa_handler == SIG_DFL);
    close(file);
}

/* As if it had been done. */
static void
pretend(int number)
{
    refuse_system_call(number, 0);
}

static void
without_perf(void)
{
    pretend(SYS_ioctl);
    require_none_by(VMPROF_CLOCK_PERF);
    require_samples_by(VMPROF_CLOCK_AUTO, VMPROF_CLOCK_MONOTONIC);
}

static void
without_timers(void)
{
    pretend(SYS_timer_settime);
    require_none_by(VMPROF_CLOCK_MONOTONIC);
    require_none_by(VMPROF_CLOCK_CPU_TIMER);
    if (has_perf)
        require_samples_by(VMPROF_CLOCK_AUTO, VMPROF_CLOCK_PERF);
}

static void
a_rung_that_never_ticks_is_passed_over(void **state)
{
    (void)state;
    assert_int_equal(isolate(without_perf, 60), 0);
    assert_int_equal(isolate(without_timers, 60), 0);
}

/* The observer needs none of them. */
static void
without_any(void)
{
    pretend(SYS_ioctl);
    pretend(SYS_timer_settime);
    require_none_by(VMPROF_CLOCK_AUTO);
    require_samples_by(VMPROF_CLOCK_OBSERVER, VMPROF_CLOCK_OBSERVER);
}

static void
where_nothing_ticks_that_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(isolate(without_any, 60), 0);
}

static volatile sig_atomic_t forwarded, last_value;

static void
take_foreign(int number, siginfo_t *info, void *context)
{
    (void)context;
    forwarded += number == SIGPROF;
    last_value = info->si_value.sival_int;
}

/* One that is pending is found by the check, which is after another. Returns
 * what enabling returned. */
static int
enable_beside_a_pending_one(int file)
{
    const struct sigaction action = { .sa_sigaction = take_foreign,
                                      .sa_flags = SA_SIGINFO };
    const union sigval value = { .sival_int = 4711 };
    sigset_t signals, before;
    int r;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    require(sigaction(SIGPROF, &action, NULL) == 0);
    pthread_sigmask(SIG_BLOCK, &signals, &before);
    require(sigqueue(getpid(), SIGPROF, value) == 0);
    r = enable(file, rung);
    require(forwarded == 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    /* In vain, what is pending is discarded with what might be ours. */
    require(r < 0 || (forwarded == 1 && last_value == 4711));
    return r;
}

static void
send_blocked(void)
{
    const int file = profile_file();
    const int r = enable_beside_a_pending_one(file);
    struct decoded d;

    require(r == 0 || (r == -ENOTSUP && !has_perf));
    if (r < 0)
        return;
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
a_signal_of_the_hosts_that_is_pending_stays_what_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rungs); i++) {
        rung = rungs[i];
        assert_int_equal(isolate(send_blocked, 60), 0);
    }
}

static void
send_blocked_where_nothing_ticks(void)
{
    pretend(SYS_timer_settime);
    rung = VMPROF_CLOCK_MONOTONIC;
    require(enable_beside_a_pending_one(profile_file()) == -ENOTSUP);
}

static void
nor_is_it_taken_for_a_tick(void **state)
{
    (void)state;
    assert_int_equal(isolate(send_blocked_where_nothing_ticks, 60), 0);
}

/* It is the host's alone, as there is one for the whole process. */
static void
without_interval_timers(void)
{
    const int file = profile_file();
    struct decoded d;
    int r;

    die_at_system_call(SYS_setitimer);
    r = enable(file, rung);
    require(r == 0 || (r == -ENOTSUP && !has_perf));
    if (r < 0)
        return;
    require(burn_until(profile_stats().samples > 5, 10000));
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
no_rung_sets_an_interval_timer(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(rungs); i++) {
        rung = rungs[i];
        assert_int_equal(isolate(without_interval_timers, 60), 0);
    }
}

static void
look_for_perf(void)
{
    const int file = profile_file();

    require(enable(file, VMPROF_CLOCK_PERF) == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rung_that_never_ticks_is_passed_over),
        cmocka_unit_test(where_nothing_ticks_that_is_an_error),
        cmocka_unit_test(
            a_signal_of_the_hosts_that_is_pending_stays_what_it_is),
        cmocka_unit_test(nor_is_it_taken_for_a_tick),
        cmocka_unit_test(no_rung_sets_an_interval_timer),
    };

    has_perf = isolate(look_for_perf, 60) == 0;
    return cmocka_run_group_tests_name("ladder", tests, NULL, NULL);
}
