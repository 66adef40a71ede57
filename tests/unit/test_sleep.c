/* SPDX-License-Identifier: MIT */

/* Naps of the calling thread, as ticks of a timer tell of them. */

#include "suite.h"

#include <math.h>
#include <sys/resource.h>
#include <time.h>

#include "os/sleep.h"

enum {
    ASKED_NS = 1000 * 1000,
    NAP_NS = 10 * 1000,
};

static long
naps_of_thread(void)
{
    struct rusage usage;

    assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_nvcsw;
}

/* One that begins late has nothing left to wait for. */
static void
nap(void)
{
    const struct timespec moment = { 0, NAP_NS };
    const long before = naps_of_thread();

    while (naps_of_thread() == before)
        nanosleep(&moment, NULL);
}

/* A tick that ends a sleep, when so much is used since the last. Returns whether it
 * is due. */
static bool
tick_in_sleep(struct vmp_sleep *sleep, uint64_t used_ns)
{
    nap();
    vmp_sleep_read(sleep, used_ns, ASKED_NS, ASKED_NS, NULL);
    return !sleep->is_asleep;
}

/* How many intervals its naps since `before` were. */
static double
intervals_of_naps(long before)
{
    return (double)(naps_of_thread() - before) * NAP_NS / ASKED_NS;
}

static void
sleeps_before_the_first_tick_are_nobodys(void **state)
{
    (void)state;
    struct vmp_sleep sleep = { 0 };
    unsigned due = 0;

    for (unsigned i = 0; i < 1000; i++)
        nap();
    for (unsigned i = 0; i < 10; i++)
        due += tick_in_sleep(&sleep, NAP_NS);
    assert_int_equal(due, 0);
}

/* One in a hundred: the others let the clock rest. */
static void
who_sleeps_is_ticked_as_often_as_its_naps_are_an_interval(void **state)
{
    (void)state;
    struct vmp_sleep sleep = { 0 };
    const long before = naps_of_thread();
    double due = 0;

    for (unsigned i = 0; i < 1000; i++)
        due += tick_in_sleep(&sleep, NAP_NS);
    assert_true(fabs(due - intervals_of_naps(before)) < 3);
}

/* All that was used was work, but for one nap. */
static void
work_between_two_sleeps_is_no_nap(void **state)
{
    (void)state;
    struct vmp_sleep sleep = { 0 };
    const long before = naps_of_thread();
    double due = 0;

    for (unsigned i = 0; i < 1000; i++) {
        sleep.activation = i + 1;
        due += tick_in_sleep(&sleep, 100 * 1000);
    }
    assert_true(fabs(due - intervals_of_naps(before)) < 3);
    assert_in_range(sleep.nap_ns, NAP_NS / 2, NAP_NS * 3 / 2);
}

static void
in_one_run_of_a_function_it_is(void **state)
{
    (void)state;
    struct vmp_sleep sleep = { 0 };

    sleep.activation = 1;
    for (unsigned i = 0; i < 1000; i++)
        tick_in_sleep(&sleep, 40 * 1000);
    assert_in_range(sleep.nap_ns, 30 * 1000, 50 * 1000);
}

/* As polls took their time, or a pause left it out. */
static void
naps_that_nobody_paid_for_are_not_owed_for_ever(void **state)
{
    (void)state;
    struct vmp_sleep sleep = { 0 };
    unsigned due = 0;

    for (unsigned i = 0; i < 300; i++) {
        for (unsigned j = 0; j < 10; j++)
            nap();
        sleep.armed = VMP_ARMED_CPU_TIMER; /* which finds it at work */
        vmp_sleep_read(&sleep, ASKED_NS, 2 * ASKED_NS, ASKED_NS, NULL);
    }
    for (unsigned i = 0; i < 50; i++)
        due += tick_in_sleep(&sleep, NAP_NS);
    assert_in_range(due, 0, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeps_before_the_first_tick_are_nobodys),
        cmocka_unit_test(
            who_sleeps_is_ticked_as_often_as_its_naps_are_an_interval),
        cmocka_unit_test(work_between_two_sleeps_is_no_nap),
        cmocka_unit_test(in_one_run_of_a_function_it_is),
        cmocka_unit_test(naps_that_nobody_paid_for_are_not_owed_for_ever),
    };

    return cmocka_run_group_tests_name("sleep", tests, NULL, NULL);
}
