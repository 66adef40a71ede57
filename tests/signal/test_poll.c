/* SPDX-License-Identifier: MIT */

/* Threads that sample themselves at polls, and the clock that stands in. */

#include "suite.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "format/format.h"
#include "profiled.h"
#include "record/thread.h"

static struct vmprof_thread *thread;
static vmprof_code_id often, rarely, native;

static uint64_t
cpu_now_ns(void)
{
    return vmp_now_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void
spin(unsigned count)
{
    for (volatile unsigned i = 0; i < count; i++)
        ;
}

/* Be in `code` for some CPU time; polling, unless there is no thread to. */
static void
run(vmprof_code_id code, unsigned us, unsigned spins,
    struct vmprof_thread *polling)
{
    const vmprof_token token = vmprof_execute_code_enter(thread, code, NULL);
    const uint64_t end_ns = cpu_now_ns() + (uint64_t)us * 1000;

    do
        for (unsigned i = 0; i < 10000; i += spins) {
            spin(spins);
            vmprof_poll(polling);
        }
    while (cpu_now_ns() < end_ns);
    vmprof_execute_code_leave(thread, token);
}

static int
begin_on(enum vmprof_clock clock, double interval,
         enum vmprof_sampling sampling)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, interval);

    options.clock = clock;
    options.sampling = sampling;
    often = code_named("often");
    rarely = code_named("rarely");
    native = code_named("native");
    require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable_with(&options) == 0);
    return file;
}

static int
begin(double interval, enum vmprof_sampling sampling)
{
    return begin_on(VMPROF_CLOCK_AUTO, interval, sampling);
}

/* Nanoseconds in samples whose innermost frame is of `kind` and, unless 0, of
 * `code`. */
static double
time_in(const struct decoded *d, uint64_t code, uint64_t kind)
{
    uint64_t units = 0;

    for (size_t i = 0; i < d->sample_count; i++) {
        const struct decoded_node *node = &d->nodes[d->samples[i].node];
        const struct decoded_frame *frame = &d->frames[node->frame];

        if (frame->kind == kind && (!code || frame->code == code))
            units += d->samples[i].weight;
    }
    return (double)units * (double)d->session.number[4];
}

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

/* In the kernel for most of the time, or not. Returns the CPU time that it took. */
static uint64_t
call_native_for(vmprof_code_id code, unsigned us, unsigned spins)
{
    const uint64_t start_ns = cpu_now_ns();
    const vmprof_token token =
        vmprof_enter_kind(thread, code, VMPROF_KIND_NATIVE, NULL);

    while (cpu_now_ns() < start_ns + (uint64_t)us * 1000)
        spin(spins);
    thread->poll_countdown =
        vmprof_poll_expired(thread, thread->poll_countdown);
    vmprof_execute_code_leave(thread, token);
    return cpu_now_ns() - start_ns;
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

/* What is left of a period at the end of one is the next one's, as often as the
 * other way round. */
static void
call_long_and_short_native_functions(unsigned spins)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    const vmprof_code_id other = code_named("other");
    double truth, found, in_native = 0, in_other = 0;
    struct decoded d;

    for (unsigned i = 0; i < rounds(400); i++) {
        in_native += (double)call_native_for(native, 6000, spins);
        in_other += (double)call_native_for(other, 2000, spins);
    }
    finish_profile(file, &d);
    truth = in_native / (in_native + in_other);
    in_native = time_in(&d, native, VMPROF_KIND_NATIVE);
    in_other = time_in(&d, other, VMPROF_KIND_NATIVE);
    found = in_native / (in_native + in_other);
    if (fabs(found - truth) > 0.02)
        dprintf(2, "%.4f where %.4f was due\n", found, truth);
    require(is_slow() || fabs(found - truth) < 0.02);
    /* A tick that came before the poll's time was none that is due. */
    require(is_slow() ||
            profile_stats().lost_overrun < profile_stats().samples / 5);
    decoded_free(&d);
}

static void
call_native_functions_that_compute(void)
{
    call_long_and_short_native_functions(20000);
}

/* Where ticks find them, most of what has passed did so in the kernel. */
static void
call_native_functions_that_call_the_kernel(void)
{
    call_long_and_short_native_functions(0);
}

static void
native_functions_that_poll_at_their_ends_have_their_shares(void **state)
{
    (void)state;
    assert_int_equal(isolate(call_native_functions_that_compute, 60), 0);
    assert_int_equal(isolate(call_native_functions_that_call_the_kernel, 60),
                     0);
}

/* A third of the polls, half of the time. test_pace.c has what is possible
 * without the noise of a busy machine. */
static void
alternate(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    const uint64_t end_ns = cpu_now_ns() + (uint64_t)rounds(1500) * 1000000;
    uint64_t true_often = 0, true_rarely = 0, at = cpu_now_ns(), now;
    double found_often, found_rarely, truth;
    struct decoded d;

    while (at < end_ns) {
        run(often, 50, 20, thread);
        now = cpu_now_ns();
        true_often += now - at;
        at = now;
        run(rarely, 50, 60, thread);
        now = cpu_now_ns();
        true_rarely += now - at;
        at = now;
    }
    finish_profile(file, &d);
    found_often = time_in(&d, often, VMPROF_KIND_CODE);
    found_rarely = time_in(&d, rarely, VMPROF_KIND_CODE);
    truth = (double)true_rarely / (double)(true_often + true_rarely);
    if (fabs(found_rarely / (found_often + found_rarely) - truth) > 0.15)
        dprintf(2, "truth %.3f, found %.3f\n", truth,
                found_rarely / (found_often + found_rarely));
    require(is_slow() ||
            fabs(found_rarely / (found_often + found_rarely) - truth) < 0.15);
    decoded_free(&d);
}

/* How much spinning takes so long: perf does not tick in a system call. */
static unsigned
spins_in(uint64_t ns)
{
    const unsigned tried = 100 * 1000;
    uint64_t least_ns = UINT64_MAX;

    for (unsigned i = 0; i < 20; i++) {
        const uint64_t start_ns = cpu_now_ns();

        spin(tried);
        if (cpu_now_ns() - start_ns < least_ns)
            least_ns = cpu_now_ns() - start_ns;
    }
    return (unsigned)(tried * ns / least_ns);
}

/* So few polls in its turn that looks, which are so many polls apart, pass it by: it
 * had 8 of 28 % while nothing else saw it. */
static uint64_t
poll_twice(unsigned spins)
{
    const vmprof_token token = vmprof_execute_code_enter(thread, rarely, NULL);
    const uint64_t start_ns = cpu_now_ns();

    for (unsigned i = 0; i < 2; i++) {
        spin(spins);
        vmprof_poll(thread);
    }
    vmprof_execute_code_leave(thread, token);
    return cpu_now_ns() - start_ns;
}

static void
poll_far_apart(enum vmprof_clock clock)
{
    const int file = begin_on(clock, 0.001, VMPROF_SAMPLING_AUTO);
    const unsigned spins = spins_in(200 * 1000);
    const uint64_t start_ns = cpu_now_ns();
    uint64_t true_rarely = 0, used_ns = 0;
    double found_rarely, truth;
    struct decoded d;

    while (used_ns < (uint64_t)rounds(3000) * 1000000) {
        run(often, 1000, 20, thread);
        true_rarely += poll_twice(spins);
        used_ns = cpu_now_ns() - start_ns;
    }
    finish_profile(file, &d);
    found_rarely = time_in(&d, rarely, VMPROF_KIND_CODE) / (double)used_ns;
    truth = (double)true_rarely / (double)used_ns;
    if (fabs(found_rarely - truth) > 0.07)
        dprintf(2, "clock %d: truth %.3f, found %.3f\n", (int)clock, truth,
                found_rarely);
    require(is_slow() || fabs(found_rarely - truth) < 0.07);
    decoded_free(&d);
}

static void
poll_far_apart_beside_the_usual_clock(void)
{
    poll_far_apart(VMPROF_CLOCK_AUTO);
}

static void
poll_far_apart_beside_a_timer(void)
{
    poll_far_apart(VMPROF_CLOCK_MONOTONIC);
}

static void
code_whose_polls_are_a_part_of_an_interval_apart_gets_its_share(void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_far_apart_beside_the_usual_clock, 60), 0);
    assert_int_equal(isolate(poll_far_apart_beside_a_timer, 60), 0);
}

/* Three intervals apart: of a third of the time nobody knew whose it was, while ticks
 * came to rest between them. */
static void
poll_each_3_ms(void)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    const unsigned spins = spins_in(3000 * 1000);
    const vmprof_token token = vmprof_execute_code_enter(thread, rarely, NULL);
    const uint64_t start_ns = cpu_now_ns();
    double share;
    struct decoded d;

    for (unsigned i = 0; i < rounds(500); i++) {
        spin(spins);
        vmprof_poll(thread);
    }
    share = 1 / (double)(cpu_now_ns() - start_ns);
    vmprof_execute_code_leave(thread, token);
    finish_profile(file, &d);
    share *= time_in(&d, rarely, VMPROF_KIND_CODE);
    if (share < 0.85)
        dprintf(2, "%.3f of it was sampled\n", share);
    require(is_slow() || share > 0.85);
    decoded_free(&d);
}

static void
polls_that_are_intervals_apart_leave_the_samples_to_ticks(void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_each_3_ms, 60), 0);
}

static void
code_that_polls_rarely_gets_its_share(void **state)
{
    (void)state;
    assert_int_equal(isolate(alternate, 60), 0);
}

/* Polls all the time, but for a collection after each 50 us. */
static void
look(void)
{
    thread->poll_countdown =
        vmprof_poll_expired(thread, thread->poll_countdown);
}

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
        cmocka_unit_test(
            native_functions_that_poll_at_their_ends_have_their_shares),
        cmocka_unit_test(code_that_polls_rarely_gets_its_share),
        cmocka_unit_test(
            code_whose_polls_are_a_part_of_an_interval_apart_gets_its_share),
        cmocka_unit_test(
            polls_that_are_intervals_apart_leave_the_samples_to_ticks),
        cmocka_unit_test(what_ends_with_a_look_is_no_sign_of_rare_polls),
        cmocka_unit_test(
            the_clock_rests_beside_polls_that_come_at_the_highest_rate),
        cmocka_unit_test(no_poll_samples_while_sampling_is_paused),
    };

    return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
