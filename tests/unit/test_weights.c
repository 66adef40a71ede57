/* SPDX-License-Identifier: MIT */

/* What samples weigh: all that a thread used, each as much as its tick or look
 * stands for where that is known better than by the time since the last. */

#include "suite.h"

#include <string.h>

#include "record/session.h"
#include "record/signal/sample.h"
#include "record/signal/weight.h"

enum {
    US = 1000,
    INTERVAL_NS = 1000 * US,
    SAMPLES = 20000,
};

static struct vmp_thread thread;
static uint64_t cpu_ns;

static uint64_t
between(uint64_t from, uint64_t to)
{
    return from +
           vmp_next_period(&thread.periods, INTERVAL_NS, 0) % (to - from + 1);
}

static void
begin(bool has_reserve)
{
    memset(&thread, 0, sizeof(thread));
    thread.periods.random = 88172645463325252;
    thread.has_reserve = has_reserve;
    vmp_session.interval_ns = INTERVAL_NS;
    cpu_ns = 0;
}

/* One that has used so much more, and whose look stands for that. */
static uint64_t
sample(uint64_t used_ns, uint64_t stands_for_ns, bool was_held_back)
{
    uint64_t weight_ns;

    cpu_ns += used_ns;
    thread.stands_for_ns = stands_for_ns;
    weight_ns = vmp_weigh(&thread, cpu_ns, was_held_back);
    thread.last_cpu_ns += weight_ns;
    assert_true(thread.last_cpu_ns <= cpu_ns);
    return weight_ns;
}

static void
who_never_sleeps_has_no_reserve(void **state)
{
    (void)state;
    begin(false);
    for (unsigned i = 0; i < SAMPLES; i++) {
        const uint64_t used_ns = between(0, 2 * INTERVAL_NS);

        assert_true(sample(used_ns, INTERVAL_NS, false) == used_ns);
    }
}

static void
weights_are_all_that_was_used_but_for_four_intervals(void **state)
{
    (void)state;
    begin(true);
    for (unsigned i = 0; i < SAMPLES; i++) {
        const bool is_burst = between(0, 99) == 0;

        sample(between(0, is_burst ? 500 * INTERVAL_NS : 2 * INTERVAL_NS),
               between(INTERVAL_NS / 2, 3 * INTERVAL_NS / 2), false);
        assert_true(cpu_ns - thread.last_cpu_ns <= 4 * INTERVAL_NS);
    }
}

/* It sleeps, then works for 600 us in one function and for 2.4 ms in another, and
 * is ticked every millisecond. Returns the share of the first. */
static double
share_after_sleeps(bool has_reserve)
{
    const uint64_t first_ns = 600 * US, both_ns = 3000 * US;
    uint64_t at_ns = 0, tick_ns = 0, leg_ns = 0, before_ns = 0;
    double found_ns[2] = { 0, 0 };

    begin(has_reserve);
    for (uint64_t i = 0; i < SAMPLES; i++) {
        const uint64_t woken_ns = at_ns + between(500 * US, 1500 * US);

        at_ns = woken_ns + both_ns;
        for (; tick_ns < at_ns; tick_ns += leg_ns) {
            const uint64_t moment_ns = tick_ns - woken_ns,
                           used_ns = i * both_ns + moment_ns;
            const uint64_t stands_for_ns = leg_ns;

            leg_ns = vmp_next_period(&thread.periods, INTERVAL_NS, tick_ns);
            if (tick_ns < woken_ns)
                continue;
            found_ns[moment_ns >= first_ns] +=
                (double)sample(used_ns - before_ns, stands_for_ns, false);
            before_ns = used_ns;
        }
    }
    return found_ns[0] / (found_ns[0] + found_ns[1]);
}

static void
what_follows_a_sleep_has_its_share(void **state)
{
    const double share = share_after_sleeps(true),
                 by_time_since = share_after_sleeps(false);

    (void)state;
    print_message("# %.4f where 0.2 are true, and %.4f by the time since\n",
                  share, by_time_since);
    assert_true(share > 0.19 && share < 0.21);
    assert_true(by_time_since < 0.18);
}

static void
a_sample_that_was_held_back_has_all_of_its_time(void **state)
{
    (void)state;
    begin(true);
    for (unsigned i = 0; i < 100; i++)
        sample(INTERVAL_NS, INTERVAL_NS, false);
    assert_true(cpu_ns - thread.last_cpu_ns > 0);
    assert_true(sample(90 * INTERVAL_NS, INTERVAL_NS, true) >=
                90 * (uint64_t)INTERVAL_NS);
    assert_true(cpu_ns == thread.last_cpu_ns);
}

/* A thread that a poll charged ahead of its time has used nothing. */
static void
what_is_charged_already_weighs_nothing(void **state)
{
    (void)state;
    begin(false);
    thread.last_cpu_ns = 5;
    cpu_ns = 3;
    assert_true(vmp_weigh(&thread, cpu_ns, false) == 0);
    thread.has_reserve = true;
    assert_true(vmp_weigh(&thread, cpu_ns, false) == 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_never_sleeps_has_no_reserve),
        cmocka_unit_test(weights_are_all_that_was_used_but_for_four_intervals),
        cmocka_unit_test(what_follows_a_sleep_has_its_share),
        cmocka_unit_test(a_sample_that_was_held_back_has_all_of_its_time),
        cmocka_unit_test(what_is_charged_already_weighs_nothing),
    };

    return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
