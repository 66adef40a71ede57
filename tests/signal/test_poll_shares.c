/* SPDX-License-Identifier: MIT */

/* Whose time it was, of code that polls often, rarely or at its end. */

#include "suite.h"

#include <math.h>

#include "polling.h"

static void
require_share(double found, double truth, double most)
{
    const bool is_found = fabs(found - truth) < most;

    if (!is_found)
        dprintf(2, "%.4f where %.4f was due\n", found, truth);
    require(is_slow() || is_found);
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
    require_share(found, truth, 0.02);
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
    double found_often, found_rarely;
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
    require_share(found_rarely / (found_often + found_rarely),
                  (double)true_rarely / (double)(true_often + true_rarely),
                  0.15);
    decoded_free(&d);
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
    double found_rarely;
    struct decoded d;

    while (used_ns < (uint64_t)rounds(3000) * 1000000) {
        run(often, 1000, 20, thread);
        true_rarely += poll_twice(spins);
        used_ns = cpu_now_ns() - start_ns;
    }
    finish_profile(file, &d);
    found_rarely = time_in(&d, rarely, VMPROF_KIND_CODE) / (double)used_ns;
    require_share(found_rarely, (double)true_rarely / (double)used_ns, 0.07);
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

/* And then a native function, which polls at its end: it had the samples of both. */
static void
poll_before_a_native_function(unsigned often_us)
{
    const int file = begin(0.001, VMPROF_SAMPLING_AUTO);
    const unsigned spins = spins_in(200 * 1000);
    const uint64_t start_ns = cpu_now_ns();
    uint64_t true_rarely = 0, used_ns = 0;
    double found_rarely;
    struct decoded d;

    while (used_ns < (uint64_t)rounds(3000) * 1000000) {
        if (often_us)
            run(often, often_us, 20, thread);
        true_rarely += poll_twice(spins);
        call_native_for(native, 2000, 20000);
        used_ns = cpu_now_ns() - start_ns;
    }
    finish_profile(file, &d);
    found_rarely = time_in(&d, rarely, VMPROF_KIND_CODE) / (double)used_ns;
    require_share(found_rarely, (double)true_rarely / (double)used_ns, 0.07);
    decoded_free(&d);
}

static void
poll_twice_before_a_native_function(void)
{
    poll_before_a_native_function(0);
}

static void
poll_often_then_rarely_before_a_native_function(void)
{
    poll_before_a_native_function(1000);
}

static void
what_was_due_before_a_native_function_is_none_of_its(void **state)
{
    (void)state;
    assert_int_equal(isolate(poll_twice_before_a_native_function, 60), 0);
    assert_int_equal(
        isolate(poll_often_then_rarely_before_a_native_function, 60), 0);
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            native_functions_that_poll_at_their_ends_have_their_shares),
        cmocka_unit_test(code_that_polls_rarely_gets_its_share),
        cmocka_unit_test(
            code_whose_polls_are_a_part_of_an_interval_apart_gets_its_share),
        cmocka_unit_test(what_was_due_before_a_native_function_is_none_of_its),
        cmocka_unit_test(
            polls_that_are_intervals_apart_leave_the_samples_to_ticks),
    };

    return cmocka_run_group_tests_name("poll shares", tests, NULL, NULL);
}
