/* SPDX-License-Identifier: MIT */

/* How far it is from sample to sample: what a program that repeats itself finds
 * of its own shares, whatever its period is. */

#include "suite.h"

#include <math.h>
#include <stdbool.h>

#include "record/signal/period.h"

enum {
    INTERVAL_NS = 1000 * 1000,
    SAMPLES = 10000,
    PROGRAMS = 100,
};

/* Whether a profile's share of a function that has `share` of each `repeats_ns`
 * of a program is off by fewer points, as one standard deviation, if a tick takes
 * `tick_ns` of the program's own time. */
static bool
is_off_by_less_than(double points, double share, uint64_t repeats_ns,
                    uint64_t tick_ns)
{
    struct vmp_periods periods = { .random = 88172645463325252 };
    const uint64_t own_ns = (uint64_t)(share * (double)repeats_ns);
    uint64_t seed = 1;
    double squares = 0;

    for (unsigned program = 0; program < PROGRAMS; program++) {
        uint64_t now_ns = draw(&seed) % (100 * INTERVAL_NS);
        double found = 0, all = 0, off;

        for (unsigned i = 0; i < SAMPLES; i++) {
            const uint64_t period_ns =
                tick_ns + vmp_next_period(&periods, INTERVAL_NS, now_ns);

            now_ns += period_ns;
            all += (double)period_ns;
            if (now_ns % repeats_ns < own_ns)
                found += (double)period_ns;
        }
        off = 100 * (found / all - share);
        squares += off * off;
    }
    return squares / PROGRAMS < points * points;
}

static void
a_program_in_lock_step_has_its_shares(void **state)
{
    (void)state;

    /* If each moment were drawn alone: 0.52, 0.46, 0.52. */
    assert_true(is_off_by_less_than(0.25, 0.5, INTERVAL_NS, 0));
    assert_true(is_off_by_less_than(0.25, 0.3, INTERVAL_NS, 0));
    assert_true(is_off_by_less_than(0.35, 0.5, INTERVAL_NS / 2, 0));
}

static void
so_it_has_where_ticks_take_time(void **state)
{
    (void)state;

    /* If periods followed each other whatever lies between: 0.5. */
    for (uint64_t tick_ns = 5000; tick_ns < 100 * 1000; tick_ns += 16 * 1000)
        assert_true(is_off_by_less_than(0.25, 0.3, INTERVAL_NS, tick_ns));
}

static void
no_other_program_pays_for_that(void **state)
{
    (void)state;

    for (uint64_t thousandths = 250; thousandths < 3000; thousandths += 121)
        assert_true(is_off_by_less_than(0.75, 0.5,
                                        thousandths * INTERVAL_NS / 1000, 0));
    assert_true(is_off_by_less_than(0.75, 0.5, INTERVAL_NS * 2 / 3, 0));
    assert_true(is_off_by_less_than(0.75, 0.5, INTERVAL_NS * 6 / 5, 0));
}

static void
all_periods_come(void **state)
{
    (void)state;
    enum {
        TENTHS = 10,
    };
    struct vmp_periods periods = { .random = 1 };
    unsigned found[TENTHS] = { 0 };
    uint64_t now_ns = 0;
    double sum = 0;

    for (unsigned i = 0; i < 100 * SAMPLES; i++) {
        const uint64_t period_ns =
            vmp_next_period(&periods, INTERVAL_NS, now_ns);

        now_ns += period_ns;
        assert_in_range(period_ns, INTERVAL_NS / 2, INTERVAL_NS * 3 / 2 + 1);
        found[(period_ns - INTERVAL_NS / 2) * TENTHS / (INTERVAL_NS + 2)]++;
        sum += (double)period_ns;
    }
    sum /= 100.0 * SAMPLES * INTERVAL_NS;
    assert_true(sum > 0.998 && sum < 1.002);
    /* A sixteenth comes twice in a row only where one group follows the other: one
     * interval is the rarest. */
    for (unsigned i = 0; i < TENTHS; i++)
        assert_in_range(found[i], 70000, 110000);
}

/* How many of the next sixteen moments are in a sixteenth of their own. */
static unsigned
apart(struct vmp_periods *periods)
{
    unsigned drawn = 0;

    for (unsigned i = 0; i < 16; i++) {
        /* Odd or not, it is the moment that was drawn or the nanosecond after. */
        const uint64_t at_ns = vmp_next_period(periods, INTERVAL_NS, 0) - 1;

        drawn |= 1U << (at_ns % INTERVAL_NS * 16 / INTERVAL_NS);
    }
    return (unsigned)__builtin_popcount(drawn);
}

static void
a_handler_in_the_middle_of_a_draw_spoils_sixteen_at_most(void **state)
{
    (void)state;
    struct vmp_periods periods = { .random = 1 };

    assert_int_equal(apart(&periods), 16);
    for (unsigned undrawn = 0; undrawn <= 16; undrawn++) {
        /* Halves of two orders, as a 32-bit machine may leave them. */
        periods.order = UINT64_C(0x0123456789abcdef) << undrawn;
        periods.undrawn = undrawn;
        for (unsigned i = 0; i < undrawn; i++)
            assert_in_range(vmp_next_period(&periods, INTERVAL_NS, 0),
                            INTERVAL_NS / 2, INTERVAL_NS * 3 / 2 + 1);
        assert_int_equal(apart(&periods), 16);
    }
}

/* The share of a function in a program that works for 200 and 100 us, sleeps for 1,000,
 * and begins anew when a tick ends that. */
static double
share_between_sleeps(bool memoryless)
{
    struct vmp_periods periods = { .random = 88172645463325252 };
    const uint64_t works_ns = 300 * 1000, repeats_ns = 1300 * 1000;
    uint64_t now_ns = 0, at_ns = 0;
    unsigned first = 0, all = 0;

    while (all < 20 * SAMPLES) {
        const uint64_t period_ns =
            memoryless ? vmp_memoryless_period(&periods, INTERVAL_NS)
                       : vmp_next_period(&periods, INTERVAL_NS, now_ns);

        now_ns += period_ns;
        at_ns = (at_ns + period_ns) % repeats_ns;
        if (at_ns < works_ns) {
            all++;
            first += at_ns < 200 * 1000;
        } else {
            at_ns = 0;
        }
    }
    return (double)first / all;
}

static void
a_program_that_samples_begin_anew_has_its_shares(void **state)
{
    (void)state;
    assert_true(fabs(share_between_sleeps(true) - 2.0 / 3) < 0.005);
    assert_true(fabs(share_between_sleeps(false) - 2.0 / 3) > 0.2);
}

static void
memoryless_periods_are_exponential(void **state)
{
    (void)state;
    struct vmp_periods periods = { .random = 88172645463325252 };
    const unsigned draws = 1000 * 1000;
    const double due[] = { 0.60653, 0.36788, 0.22313, 0.13534 }; /* exp(-x) */
    double sum = 0, beyond[4] = { 0 };

    for (unsigned i = 0; i < draws; i++) {
        const uint64_t period_ns = vmp_memoryless_period(&periods, INTERVAL_NS);

        assert_in_range(period_ns, 1, 17 * INTERVAL_NS);
        sum += (double)period_ns;
        for (unsigned j = 0; j < 4; j++)
            beyond[j] += period_ns > (j + 1) * INTERVAL_NS / 2;
    }
    assert_true(fabs(sum / draws / INTERVAL_NS - 1) < 0.005);
    for (unsigned j = 0; j < 4; j++)
        assert_true(fabs(beyond[j] / draws - due[j]) < 0.003);
}

static void
they_have_an_end_whatever_is_drawn(void **state)
{
    (void)state;

    for (unsigned bit = 0; bit < 64; bit++) {
        struct vmp_periods periods = { .random = UINT64_C(1) << bit };

        for (unsigned i = 0; i < 1000; i++)
            assert_in_range(vmp_memoryless_period(&periods, UINT32_MAX), 1,
                            17 * (uint64_t)UINT32_MAX);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_in_lock_step_has_its_shares),
        cmocka_unit_test(so_it_has_where_ticks_take_time),
        cmocka_unit_test(no_other_program_pays_for_that),
        cmocka_unit_test(a_program_that_samples_begin_anew_has_its_shares),
        cmocka_unit_test(memoryless_periods_are_exponential),
        cmocka_unit_test(they_have_an_end_whatever_is_drawn),
        cmocka_unit_test(all_periods_come),
        cmocka_unit_test(
            a_handler_in_the_middle_of_a_draw_spoils_sixteen_at_most),
    };

    return cmocka_run_group_tests_name("periods", tests, NULL, NULL);
}
