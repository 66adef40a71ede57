/* SPDX-License-Identifier: MIT */

#include "suite.h"

#include <stdbool.h>

#include "record/pace.h"

enum {
    INTERVAL_NS = 1000 * 1000,
};

struct program {
    unsigned often, often_ns;   /* polls in a row, and what each takes */
    unsigned rarely, rarely_ns; /* the same of the phase that follows */
    unsigned interrupted;       /* one look in so many, by 1 us; 0: none */
};

struct found {
    double rarely; /* the share of samples in that phase */
    double late_ns, looks;
    double passed; /* samples that came after their deadline */
};

/* Run the program for 4,000 samples. With a deadline, one that is further beyond
 * the time it was due is not the poll's. */
static struct found
play_until(const struct program *program, struct vmp_pace *pace,
           uint64_t deadline_ns)
{
    enum {
        SAMPLES = 4000,
    };
    const unsigned cycle = program->often + program->rarely;
    uint64_t now_ns = 0, looked_ns = 0, due_ns = INTERVAL_NS, seed = 1, i = 0;
    const unsigned interrupted = program->interrupted;
    struct found found = { 0 };
    int64_t polls = 1;

    for (unsigned n = 0; n < SAMPLES;) {
        bool is_rare = false;

        for (int64_t k = 0; k < polls; k++) {
            is_rare = i++ % cycle >= program->often;
            now_ns += is_rare ? program->rarely_ns : program->often_ns;
        }
        if (interrupted && draw(&seed) % interrupted == 0)
            now_ns += 1000;
        vmp_pace_learn(pace, polls, (int64_t)(now_ns - looked_ns), INTERVAL_NS);
        looked_ns = now_ns;
        if (now_ns >= due_ns) {
            found.passed += deadline_ns && now_ns > due_ns + deadline_ns
                                ? 1 / (double)SAMPLES
                                : 0;
            found.rarely += is_rare / (double)SAMPLES;
            found.late_ns += (double)(now_ns - due_ns) / SAMPLES;
            found.looks += pace->looks / (double)SAMPLES;
            due_ns = now_ns + INTERVAL_NS / 2 + draw(&seed) % INTERVAL_NS;
            vmp_pace_begin(pace);
            n++;
        }
        polls = vmp_pace_next(pace, due_ns - now_ns, INTERVAL_NS, deadline_ns);
        assert_in_range(polls, 1, VMP_MOST_POLLS);
    }
    return found;
}

static struct found
play(const struct program *program, struct vmp_pace *pace)
{
    return play_until(program, pace, 0);
}

static void
a_sample_falls_on_the_next_poll_where_polls_come_evenly(void **state)
{
    (void)state;
    const struct program even = { 1, 20, 1, 20, 0 };
    struct vmp_pace pace = { 0 };
    const struct found found = play(&even, &pace);

    assert_true(found.late_ns < 20);
    assert_true(found.looks < 20);
}

static void
functions_that_poll_rarely_get_their_share(void **state)
{
    (void)state;
    static const struct {
        struct program program; /* half of the time in either phase */
        double error;
    } cases[] = {
        { { 100, 40, 33, 121, 0 }, 0.03 },   /* 4 us each */
        { { 1000, 40, 333, 120, 0 }, 0.06 }, /* 40 us each */
        { { 100, 40, 5, 800, 0 }, 0.05 },    /* a twentieth of the polls */
        { { 30, 10, 1, 300, 0 }, 0.06 },     /* one slow call in a loop */
        { { 1250, 40, 62, 806, 0 }, 0.1 },   /* 50 us each */
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct vmp_pace pace = { 0 };
        const struct found found = play(&cases[i].program, &pace);

        if (found.rarely < 0.5 - cases[i].error)
            print_message("# case %zu: share %.3f\n", i, found.rarely);
        assert_true(found.rarely > 0.5 - cases[i].error);
        assert_true(found.rarely < 0.5 + cases[i].error);
        assert_true(found.looks < 100);
    }
}

/* Half of it looks cannot find: 250 polls of 1 us, then two of 125. */
static void
looks_that_have_a_deadline_are_for_those_that_it_is_not_for(void **state)
{
    (void)state;
    const struct program uneven = { 250, 1000, 2, 125 * 1000, 0 };
    struct vmp_pace pace = { 0 }, without = { 0 };
    const struct found found = play_until(&uneven, &pace, 8 * 1000);

    assert_true(found.passed > 0.4 && found.passed < 0.6);
    assert_true(found.looks < play(&uneven, &without).looks);
}

static void
an_interrupt_now_and_then_costs_few_looks(void **state)
{
    (void)state;
    const struct program even = { 1, 20, 1, 20, .interrupted = 300 };
    struct vmp_pace pace = { 0 };
    const struct found found = play(&even, &pace);

    assert_true(found.looks < 20);
    assert_true(found.late_ns < 50);
}

/* A counter is not read at the same point of the loop each time. */
static void
what_a_look_is_off_by_is_no_rare_poll(void **state)
{
    (void)state;
    struct vmp_pace pace = { 0 };
    uint64_t now_ns = 0, due_ns = INTERVAL_NS, seed = 1;
    unsigned looks = 0, samples = 0;
    int64_t polls = 1;

    while (samples < 500) {
        const int64_t passed_ns = polls * 20;

        vmp_pace_learn(&pace, polls,
                       passed_ns - 10 + (int64_t)(draw(&seed) % 40),
                       INTERVAL_NS);
        now_ns += (uint64_t)passed_ns;
        looks++;
        if (now_ns >= due_ns) {
            assert_true(now_ns - due_ns < 1000);
            due_ns = now_ns + INTERVAL_NS / 2 + draw(&seed) % INTERVAL_NS;
            vmp_pace_begin(&pace);
            samples++;
        }
        polls = vmp_pace_next(&pace, due_ns - now_ns, INTERVAL_NS, false);
    }
    assert_true(looks < samples * 10);
}

static void
after_a_long_sleep_it_is_as_exact_as_before(void **state)
{
    (void)state;
    const struct program even = { 1, 20, 1, 20, 0 };
    struct vmp_pace pace = { 0 };

    play(&even, &pace);
    vmp_pace_learn(&pace, 1, (uint64_t)60 * 1000000000, INTERVAL_NS);
    assert_true(play(&even, &pace).late_ns < 100);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_sample_falls_on_the_next_poll_where_polls_come_evenly),
        cmocka_unit_test(functions_that_poll_rarely_get_their_share),
        cmocka_unit_test(
            looks_that_have_a_deadline_are_for_those_that_it_is_not_for),
        cmocka_unit_test(an_interrupt_now_and_then_costs_few_looks),
        cmocka_unit_test(what_a_look_is_off_by_is_no_rare_poll),
        cmocka_unit_test(after_a_long_sleep_it_is_as_exact_as_before),
    };

    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
