/* SPDX-License-Identifier: MIT */

/* The time that polls look at: the machine's counter, held against the clock. */

#include "suite.h"

#include "record/poll_time.h"

enum {
    STRETCH_NS = 200 * 1000,
};

/* The next that is far enough from the last for the ticks to be measured. */
static uint64_t
set_after_a_stretch(struct vmp_poll_time *time)
{
    while (vmp_now_ns(CLOCK_MONOTONIC) < time->ns + STRETCH_NS)
        ;
    return vmp_poll_time_set(time);
}

/* Whoever is preempted between the two readings tries again. */
static bool
learn_ticks(struct vmp_poll_time *time)
{
    for (unsigned i = 0; i < 1000; i++) {
        *time = (struct vmp_poll_time){ 0 };
        (void)vmp_poll_time_set(time);
        (void)set_after_a_stretch(time);
        (void)set_after_a_stretch(time);
        if (time->ns_per_tick > 0 && time->differences == 0)
            return true;
    }
    return false;
}

static uint64_t
distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* Its ticks were measured over a brief stretch: the further from there, the less
 * exact. */
static void
the_counter_tells_the_clocks_time(void **state)
{
    (void)state;
    struct vmp_poll_time time;
    unsigned exact = 0;

    assert_true(learn_ticks(&time));
    for (unsigned i = 0; i < 1000; i++) {
        const uint64_t before_ns = vmp_now_ns(CLOCK_MONOTONIC),
                       look_ns = vmp_poll_time_look(&time);

        exact += distance(look_ns, before_ns) <
                 20 * 1000 + (before_ns - time.ns) / 8;
    }
    assert_true(exact > 500);
}

static void
before_it_is_known_the_clock_is_read(void **state)
{
    (void)state;
    const struct vmp_poll_time time = { 0 };
    const uint64_t before_ns = vmp_now_ns(CLOCK_MONOTONIC),
                   look_ns = vmp_poll_time_look(&time);

    assert_true(look_ns >= before_ns);
    assert_true(look_ns <= vmp_now_ns(CLOCK_MONOTONIC));
}

static void
require_clock(const struct vmp_poll_time *time)
{
    const uint64_t before_ns = vmp_now_ns(CLOCK_MONOTONIC);

    assert_true(!(time->ns_per_tick > 0));
    assert_true(vmp_poll_time_look(time) >= before_ns);
}

static void
a_counter_that_was_set_is_no_longer_believed(void **state)
{
    (void)state;
    static const int64_t jumps[] = { 1000000000, -1000000000, -2000000000000 };

    for (size_t i = 0; i < LENGTH(jumps); i++) {
        struct vmp_poll_time time;

        assert_true(learn_ticks(&time));
        time.ticks += (uint64_t)jumps[i];
        (void)set_after_a_stretch(&time);
        require_clock(&time);
        assert_int_equal(time.differences, 1);
    }
}

static void
a_counter_of_another_speed_is_no_longer_believed(void **state)
{
    (void)state;
    static const double speeds[] = { 0.5, 0.9, 1.1, 2 };

    for (size_t i = 0; i < LENGTH(speeds); i++) {
        struct vmp_poll_time time;

        assert_true(learn_ticks(&time));
        time.ns_per_tick *= speeds[i];
        (void)set_after_a_stretch(&time);
        require_clock(&time);
    }
}

static void
one_that_differs_time_and_again_is_given_up(void **state)
{
    (void)state;
    struct vmp_poll_time time;

    assert_true(learn_ticks(&time));
    for (unsigned i = 0; i < 1000 && time.differences < 8; i++) {
        if (!(time.ns_per_tick > 0))
            (void)set_after_a_stretch(&time);
        time.ticks -= 1000000000000;
        (void)set_after_a_stretch(&time);
    }
    assert_int_equal(time.differences, 8);
    for (unsigned i = 0; i < 4; i++) {
        (void)set_after_a_stretch(&time);
        require_clock(&time);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_tells_the_clocks_time),
        cmocka_unit_test(before_it_is_known_the_clock_is_read),
        cmocka_unit_test(a_counter_that_was_set_is_no_longer_believed),
        cmocka_unit_test(a_counter_of_another_speed_is_no_longer_believed),
        cmocka_unit_test(one_that_differs_time_and_again_is_given_up),
    };

    return cmocka_run_group_tests_name("poll_time", tests, NULL, NULL);
}
