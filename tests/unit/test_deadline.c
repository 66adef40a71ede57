/* SPDX-License-Identifier: MIT */

#include "suite.h"

#include <stdbool.h>

#include "record/signal/deadline.h"

/* So many samples, one in `rare` of which is due where polls come rarely, and then
 * `late_ns` late, if a poll takes it. */
static unsigned
play(struct vmp_deadline *deadline, unsigned samples, unsigned rare,
     uint64_t late_ns)
{
    unsigned with = 0;

    for (unsigned i = 0; i < samples; i++) {
        with += deadline->is_set;
        if (i % rare)
            vmp_deadline_kept(deadline, 100);
        else if (deadline->is_set)
            vmp_deadline_passed(deadline, true);
        else
            vmp_deadline_kept(deadline, late_ns);
    }
    return with;
}

static void
there_is_none_where_polls_come_evenly(void **state)
{
    (void)state;
    struct vmp_deadline deadline = { 0 };

    assert_int_equal(play(&deadline, 10000, 1, 20 * 1000), 0);
}

static void
samples_that_come_late_get_one_and_keep_it(void **state)
{
    (void)state;
    struct vmp_deadline deadline = { 0 };

    assert_true(play(&deadline, 10000, 10, 200 * 1000) > 9900);
}

/* As a host does that takes its CPU away from all. */
static void
there_is_none_for_long_where_ticks_are_late_too(void **state)
{
    (void)state;
    struct vmp_deadline deadline = { 0 };
    unsigned with = 0, times = 0;

    for (unsigned i = 0; i < 100000; i++) {
        const bool was_set = deadline.is_set;

        with += was_set;
        if (i % 16 == 0 && was_set)
            vmp_deadline_passed(&deadline, false);
        else
            vmp_deadline_kept(&deadline, i % 16 ? 0 : 64 * 1000);
        times += deadline.is_set && !was_set;
    }
    assert_true(times >= 1);
    assert_true(with < 100000 / 100);
}

static void
it_ends_where_polls_come_again_and_comes_back(void **state)
{
    (void)state;
    struct vmp_deadline deadline = { 0 };

    play(&deadline, 1000, 5, 200 * 1000);
    assert_true(deadline.is_set);
    play(&deadline, 1000, 1000, 0);
    assert_false(deadline.is_set);
    play(&deadline, 1000, 5, 200 * 1000);
    assert_true(deadline.is_set);
}

/* One in fifty for 200 us, some of them soon after each other. */
static void
there_is_none_where_a_host_stands_still_now_and_then(void **state)
{
    (void)state;
    struct vmp_deadline deadline = { 0 };

    for (unsigned i = 0; i < 100000; i++) {
        vmp_deadline_kept(&deadline,
                          i % 250 < 60 && i % 12 == 0 ? 200 * 1000 : 1000);
        assert_false(deadline.is_set);
    }
}

/* Functions that take the samples at their ends, but one of `rare`, or 0, that was due
 * before them. */
static unsigned
end_late(struct vmp_deadline *deadline, unsigned samples, unsigned rare)
{
    unsigned with = 0;

    for (unsigned i = 0; i < samples; i++) {
        with += deadline->is_set;
        if (!deadline->is_set)
            vmp_deadline_kept_at_end(deadline, 500 * 1000);
        else
            vmp_deadline_passed(deadline, rare && i % rare == 0);
    }
    return with;
}

static void
ends_that_are_late_get_one_where_ticks_have_something_to_take(void **state)
{
    (void)state;
    struct vmp_deadline deadline = { 0 };

    assert_true(end_late(&deadline, 10000, 8) > 9900);
}

static void
else_it_is_tried_once_in_many_samples(void **state)
{
    (void)state;
    struct vmp_deadline deadline = { 0 };
    unsigned with = end_late(&deadline, 5000, 0);

    assert_in_range(with, 10, 128);
    with = end_late(&deadline, 100000, 0);
    assert_in_range(with, 128, 1000);
    /* Polls are late on their own account. */
    play(&deadline, 600, 10, 200 * 1000);
    assert_true(deadline.is_set);
}

static void
doubt_fades(void **state)
{
    (void)state;
    struct vmp_deadline deadline = { 0 };

    /* Three times in vain. */
    for (unsigned i = 0; i < 3; i++) {
        play(&deadline, 1000, 2, 100 * 1000);
        play(&deadline, 1000, 1000, 0);
    }
    play(&deadline, 300, 20, 96 * 1000);
    assert_false(deadline.is_set);
    play(&deadline, 200000, 200000, 0);
    play(&deadline, 600, 20, 96 * 1000);
    assert_true(deadline.is_set);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_is_none_where_polls_come_evenly),
        cmocka_unit_test(samples_that_come_late_get_one_and_keep_it),
        cmocka_unit_test(there_is_none_for_long_where_ticks_are_late_too),
        cmocka_unit_test(there_is_none_where_a_host_stands_still_now_and_then),
        cmocka_unit_test(
            ends_that_are_late_get_one_where_ticks_have_something_to_take),
        cmocka_unit_test(else_it_is_tried_once_in_many_samples),
        cmocka_unit_test(doubt_fades),
        cmocka_unit_test(it_ends_where_polls_come_again_and_comes_back),
    };

    return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
