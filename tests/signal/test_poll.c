/* SPDX-License-Identifier: MIT */

/* Threads that sample themselves at polls, and the clock that stands in. */

#include "suite.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "polling.h"

static size_t
polled_samples(const struct decoded *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->sample_count; i++)
        count += !!(d->samples[i].state & VMP_STATE_POLLED);
    return count;
}

static void
poll_all_the_time(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    struct vmprof_stats s;
    struct decoded d;
    uint64_t used_ns = cpu_now_ns();

    run(often, rounds(400) * 1000, 10, thread);
    used_ns = cpu_now_ns() - used_ns;
    finish_profile(file, &d);
    s = profile_stats();
    require(s.polled > s.samples * 8 / 10);
    require(polled_samples(&d) == s.polled);
    require(d.stats.number[30] == s.polled);
    require(fabs((double)s.sampled_ns - (double)used_ns) < 5e6);
    decoded_free(&d);
}

static void
a_thread_that_polls_samples_itself_and_its_weights_are_its_cpu_time(
    void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_all_the_time, 30), 0);
}

static void
force_signals(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_SIGNAL);
    struct decoded d;

    run(often, 100 * 1000, 10, thread);
    require(burn_until(profile_stats().samples > 5, 10000));
    finish_profile(file, &d);
    require(profile_stats().polled == 0 && polled_samples(&d) == 0);
    decoded_free(&d);
}

static void
no_poll_samples_where_signals_are_asked_for(void **state)
{
    (void)state;
    assert_int_equal(isolate(force_signals, 30), 0);
}

static bool
was_polled(void)
{
    const uint64_t before = profile_stats().polled;

    return burn_until(
        (run(often, 1000, 10, thread), profile_stats().polled > before + 3),
        10000);
}

static bool
was_signalled(void)
{
    const uint64_t before = profile_stats().samples - profile_stats().polled;

    return burn_until(
        (run(rarely, 1000, 10000, NULL),
         profile_stats().samples - profile_stats().polled > before + 3),
        10000);
}

static void
stop_polling_and_start_again(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    struct decoded d;

    for (unsigned i = 0; i < 3; i++) {
        require(was_polled());
        require(was_signalled());
    }
    finish_profile(file, &d);
    require(time_in(&d, rarely, VMPROF_KIND_CODE) > 0);
    decoded_free(&d);
}

static void
the_clock_takes_over_where_no_poll_comes_and_lets_go_again(void **state)
{
    (void)state;
    assert_int_equal(isolate(stop_polling_and_start_again, 60), 0);
}

static void
block_ticks(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGPROF);
    require(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0);
}

/* Nothing but polls can sample it, and for 50 intervals there are none. */
static void
poll_too_rarely(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    vmprof_token token;
    struct decoded d;
    double gap;

    block_ticks();
    token = vmprof_execute_code_enter(thread, often, NULL);
    require(was_polled());
    run(rarely, 50 * 1000, 10000, NULL);
    require(was_polled());
    vmprof_execute_code_leave(thread, token);
    finish_profile(file, &d);
    gap = time_in(&d, 0, VMP_KIND_NO_POLL);
    require(gap > 45e6);
    require(time_in(&d, rarely, VMPROF_KIND_CODE) == 0);
    for (size_t i = 0; i < d.sample_count; i++) {
        uint32_t frames[4];

        if (d.frames[d.nodes[d.samples[i].node].frame].kind != VMP_KIND_NO_POLL)
            continue;
        /* Whoever was active all the time, and no more. */
        require(decoded_stack(&d, d.samples[i].node, frames, 4) <= 2);
        require(!(d.samples[i].state & VMP_STATE_LEAF_MISSING));
    }
    decoded_free(&d);
}

static void
time_between_polls_too_far_apart_is_charged_to_no_function(void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_too_rarely, 40), 0);
}

static uint64_t
call_native(vmprof_code_id code, unsigned us)
{
    return call_native_for(code, us, 20000);
}

static void
poll_when_a_native_function_ends(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    struct decoded d;

    block_ticks();
    require(was_polled());
    for (unsigned i = 0; i < 3; i++)
        call_native(native, 20000);
    finish_profile(file, &d);
    require(time_in(&d, native, VMPROF_KIND_NATIVE) > 55e6);
    decoded_free(&d);
}

static void
a_native_function_that_polls_before_it_is_left_has_its_time(void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_when_a_native_function_ends, 30), 0);
}

static void
look(void)
{
    thread->poll_countdown =
        vmprof_poll_expired(thread, thread->poll_countdown);
}

/* Polls all the time, but for a collection after each 50 us. */
static void
collect(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        vmprof_token token;

        run(often, 50, 10, thread);
        look();
        vmprof_poll(thread);
        token = vmprof_enter_kind(thread, native, VMPROF_KIND_GC, NULL);
        spin(200000);
        look();
        vmprof_execute_code_leave(thread, token);
    }
}

static double
rarest_polls_ns(void)
{
    return ((const struct vmp_thread *)thread)->poll.pace.slow_ns;
}

static void
collect_often(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    struct decoded d;

    require(was_polled());
    require(burn_until((collect(50), rarest_polls_ns() < 100000), 20000));
    finish_profile(file, &d);
    require(time_in(&d, native, VMPROF_KIND_GC) > 0);
    decoded_free(&d);
}

static void
what_ends_with_a_look_is_no_sign_of_rare_polls(void **state)
{
    (void)state;
    assert_int_equal(isolate(collect_often, 60), 0);
}

/* Samples of the clock beside the polls, in so much time with polls. */
static uint64_t
taken_over_in(unsigned us)
{
    const struct vmprof_stats before = profile_stats();
    struct vmprof_stats after;

    run(often, us, 10, thread);
    after = profile_stats();
    return after.samples - after.polled - (before.samples - before.polled);
}

static void
poll_at_100_khz(void)
{
    const int file = begin(0.00001, VMPROF_SAMPLING_AUTO);
    struct decoded d;

    require(was_polled());
    require(burn_until(taken_over_in(50 * 1000) <= 1, 20000));
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
the_clock_rests_beside_polls_that_come_at_the_highest_rate(void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_at_100_khz, 60), 0);
}

/* Ticks rest for 20 ms at most, and then come at the interval. */
static void
run_native_code(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    struct vmprof_stats before, after;

    require(was_polled());
    before = profile_stats();
    burn_cpu_ms(100);
    after = profile_stats();
    require(after.samples - after.polled - (before.samples - before.polled) >=
            50);
    end_profile(file);
}

static void
native_code_without_polls_is_sampled_at_the_interval(void **state)
{
    (void)state;
    assert_int_equal(isolate(run_native_code, 60), 0);
}

static void
pause_while_polling(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    uint64_t before;
    struct decoded d;

    require(was_polled());
    require(vmprof_pause() == 1);
    run(often, 3000, 10, thread); /* what is due was begun before */
    before = profile_stats().samples;
    run(often, 50 * 1000, 10, thread);
    require(profile_stats().samples == before);
    require(vmprof_resume() == 0);
    require(was_polled());
    finish_profile(file, &d);
    require(time_in(&d, 0, VMP_KIND_NO_POLL) < 20e6);
    decoded_free(&d);
}

static void
no_poll_samples_while_sampling_is_paused(void **state)
{
    (void)state;
    assert_int_equal(isolate(pause_while_polling, 40), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_thread_that_polls_samples_itself_and_its_weights_are_its_cpu_time),
        cmocka_unit_test(native_code_without_polls_is_sampled_at_the_interval),
        cmocka_unit_test(no_poll_samples_where_signals_are_asked_for),
        cmocka_unit_test(
            the_clock_takes_over_where_no_poll_comes_and_lets_go_again),
        cmocka_unit_test(
            time_between_polls_too_far_apart_is_charged_to_no_function),
        cmocka_unit_test(
            a_native_function_that_polls_before_it_is_left_has_its_time),
        cmocka_unit_test(what_ends_with_a_look_is_no_sign_of_rare_polls),
        cmocka_unit_test(
            the_clock_rests_beside_polls_that_come_at_the_highest_rate),
        cmocka_unit_test(no_poll_samples_while_sampling_is_paused),
    };

    return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
