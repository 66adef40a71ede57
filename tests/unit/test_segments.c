/* SPDX-License-Identifier: MIT */

#include "suite.h"

#include "analyse/segments.h"

/* Of the programs here: a loop, its inner bridge, another loop. */
enum {
    LOOP = 1,
    INNER = 2,
    OTHER = 3,
};

static uint32_t
group(void *user, uint32_t trace)
{
    (void)user;
    return trace == INNER ? LOOP : trace;
}

static struct segments
policies(enum inner_policy inner, enum call_policy call)
{
    return (struct segments){
        .policies = { .inner = inner, .call = call, .group = group },
    };
}

static void
add(struct segments *segments, uint64_t time, enum jit_event_kind kind,
    uint32_t trace)
{
    const struct jit_event event = { .time = time,
                                     .kind = (uint8_t)kind,
                                     .trace = trace };

    assert_int_equal(segments_add(segments, &event), 0);
}

/* Inner bridges, a call of another loop, and a loss while that runs. */
static void
play(struct segments *segments)
{
    static const struct {
        uint64_t time;
        enum jit_event_kind kind;
        uint32_t trace;
    } events[] = {
        { 0, JIT_ENTER, LOOP },   { 10, JIT_ENTER, INNER },
        { 14, JIT_ENTER, LOOP },  { 20, JIT_ENTER, INNER },
        { 25, JIT_ENTER, LOOP },  { 40, JIT_CALL, 0 },
        { 42, JIT_ENTER, OTHER }, { 60, JIT_EXIT, OTHER },
        { 62, JIT_RETURN, 0 },    { 70, JIT_EXIT, LOOP },
        { 90, JIT_ENTER, OTHER }, { 95, JIT_LOST, 0 },
        { 120, JIT_ENTER, LOOP }, { 130, JIT_EXIT, LOOP },
    };

    for (size_t i = 0; i < LENGTH(events); i++)
        add(segments, events[i].time, events[i].kind, events[i].trace);
    assert_int_equal(segments_end(segments, 0, 140), 0);
    assert_int_equal(segments->events, LENGTH(events));
    assert_int_equal(segments->unknown, 120 - 95);
    assert_int_equal(segments->losses, 1);
    assert_int_equal(segments->mismatches, 0);
    assert_int_equal(segments->backwards, 0);
}

struct expected {
    uint64_t self, total, entries, exits;
};

static void
check(const struct segments *segments, uint32_t trace,
      const struct expected expected)
{
    const struct segment_figures *figures = &segments->figures[trace];

    assert_in_range(trace, 0, segments->figure_count - 1);
    assert_int_equal(figures->self, expected.self);
    assert_int_equal(figures->total, expected.total);
    assert_int_equal(figures->entries, expected.entries);
    assert_int_equal(figures->exits, expected.exits);
}

static uint64_t
transitions(const struct segments *segments, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < segments->transition_count; i++)
        if (segments->transitions[i].from == from &&
            segments->transitions[i].to == to)
            return segments->transitions[i].count;
    return 0;
}

static void
inner_bridges_have_their_own_time_with_each(void **state)
{
    struct segments segments = policies(INNER_EACH, CALL_CALLER);

    (void)state;
    play(&segments);
    /* 0–10, 14–20, 25–70, 120–130 */
    check(&segments, LOOP, (struct expected){ 71, 71, 4, 4 });
    check(&segments, INNER, (struct expected){ 9, 9, 2, 2 });
    check(&segments, OTHER, (struct expected){ 5, 5, 1, 0 });
    assert_int_equal(segments.figures[0].self, 20 + 10);
    assert_int_equal(transitions(&segments, 0, LOOP), 1);
    assert_int_equal(transitions(&segments, TRANSITION_UNKNOWN, LOOP), 1);
    assert_int_equal(transitions(&segments, LOOP, INNER), 2);
    assert_int_equal(transitions(&segments, INNER, LOOP), 2);
    assert_int_equal(transitions(&segments, LOOP, 0), 2);
    assert_int_equal(transitions(&segments, 0, OTHER), 1);
    assert_int_equal(segments.transition_count, 6);
    segments_free(&segments);
}

static void
inner_bridges_are_their_loop_with_ignore(void **state)
{
    struct segments segments = policies(INNER_IGNORE, CALL_CALLER);

    (void)state;
    play(&segments);
    check(&segments, LOOP, (struct expected){ 80, 80, 2, 2 });
    check(&segments, OTHER, (struct expected){ 5, 5, 1, 0 });
    assert_int_equal(segments.figures[INNER].self, 0);
    assert_int_equal(segments.figures[INNER].entries, 0);
    assert_int_equal(segments.figures[0].self, 30);
    assert_int_equal(transitions(&segments, LOOP, 0), 2);
    assert_int_equal(segments.transition_count, 4);
    segments_free(&segments);
}

static void
inner_bridges_are_counted_in_their_loops_time_with_count(void **state)
{
    struct segments segments = policies(INNER_COUNT, CALL_CALLER);

    (void)state;
    play(&segments);
    check(&segments, LOOP, (struct expected){ 80, 80, 4, 4 });
    check(&segments, INNER, (struct expected){ 0, 0, 2, 2 });
    /* 0–70 and 120–130 */
    assert_int_equal(segments.figures[LOOP].segments, 2);
    assert_int_equal(transitions(&segments, LOOP, INNER), 2);
    assert_int_equal(transitions(&segments, INNER, LOOP), 2);
    segments_free(&segments);
}

static void
a_called_trace_has_its_own_time_with_nest(void **state)
{
    struct segments segments = policies(INNER_EACH, CALL_NEST);

    (void)state;
    play(&segments);
    /* 0–10, 14–20, 25–40, 62–70, 120–130; all of the call is in the total */
    check(&segments, LOOP, (struct expected){ 49, 71, 4, 4 });
    check(&segments, INNER, (struct expected){ 9, 9, 2, 2 });
    /* 42–60, 90–95 */
    check(&segments, OTHER, (struct expected){ 23, 23, 2, 1 });
    /* 40–42, 60–62, 70–90, 130–140 */
    assert_int_equal(segments.figures[0].self, 34);
    assert_int_equal(transitions(&segments, OTHER, 0), 1);
    segments_free(&segments);
}

static void
a_called_trace_nests_in_a_loop_with_its_bridges(void **state)
{
    static const enum inner_policy inner[] = { INNER_IGNORE, INNER_COUNT };

    (void)state;
    for (size_t i = 0; i < LENGTH(inner); i++) {
        struct segments segments = policies(inner[i], CALL_NEST);

        play(&segments);
        assert_int_equal(segments.figures[LOOP].self, 58);
        assert_int_equal(segments.figures[LOOP].total, 80);
        assert_int_equal(segments.figures[OTHER].self, 23);
        assert_int_equal(segments.figures[0].self, 34);
        segments_free(&segments);
    }
}

static void
all_time_is_someones_under_every_policy(void **state)
{
    (void)state;
    for (int inner = INNER_COUNT; inner <= INNER_EACH; inner++)
        for (int call = CALL_CALLER; call <= CALL_NEST; call++) {
            struct segments segments =
                policies((enum inner_policy)inner, (enum call_policy)call);
            uint64_t sum;

            play(&segments);
            sum = segments.unknown + segments.off_cpu;
            for (uint32_t i = 0; i < segments.figure_count; i++)
                sum += segments.figures[i].self;
            assert_int_equal(sum, 140);
            segments_free(&segments);
        }
}

static void
the_example_of_the_plan_holds_under_every_policy(void **state)
{
    (void)state;
    for (int inner = INNER_COUNT; inner <= INNER_EACH; inner++)
        for (int call = CALL_CALLER; call <= CALL_NEST; call++) {
            struct segments segments = {
                .policies = { .inner = (enum inner_policy)inner,
                              .call = (enum call_policy)call },
            };

            add(&segments, 0x100, JIT_ENTER, 1);
            add(&segments, 0x200, JIT_ENTER, 2);
            add(&segments, 0x500, JIT_EXIT, 2);
            check(&segments, 1, (struct expected){ 0x100, 0x100, 1, 1 });
            check(&segments, 2, (struct expected){ 0x300, 0x300, 1, 1 });
            assert_int_equal(segments.figures[0].self, 0);
            assert_int_equal(transitions(&segments, 1, 2), 1);
            assert_int_equal(segments.mismatches, 0);
            segments_free(&segments);
        }
}

static void
recursion_counts_once_in_a_total(void **state)
{
    struct segments segments = policies(INNER_EACH, CALL_NEST);

    (void)state;
    add(&segments, 0, JIT_ENTER, LOOP);
    add(&segments, 10, JIT_CALL, 0);
    add(&segments, 10, JIT_ENTER, LOOP);
    add(&segments, 20, JIT_CALL, 0);
    add(&segments, 20, JIT_ENTER, OTHER);
    add(&segments, 50, JIT_EXIT, OTHER);
    add(&segments, 50, JIT_RETURN, 0);
    add(&segments, 60, JIT_EXIT, LOOP);
    add(&segments, 60, JIT_RETURN, 0);
    add(&segments, 100, JIT_EXIT, LOOP);
    check(&segments, LOOP, (struct expected){ 10 + 10 + 10 + 40, 100, 2, 2 });
    check(&segments, OTHER, (struct expected){ 30, 30, 1, 1 });
    segments_free(&segments);
}

static void
a_return_ends_what_an_exception_left_open(void **state)
{
    (void)state;
    for (int call = CALL_CALLER; call <= CALL_NEST; call++) {
        struct segments segments = policies(INNER_EACH, (enum call_policy)call);

        add(&segments, 0, JIT_ENTER, LOOP);
        add(&segments, 10, JIT_CALL, LOOP);
        add(&segments, 10, JIT_ENTER, OTHER);
        add(&segments, 15, JIT_CALL, OTHER);
        add(&segments, 15, JIT_ENTER, INNER);
        add(&segments, 20, JIT_RETURN, LOOP);
        add(&segments, 30, JIT_EXIT, LOOP);
        assert_int_equal(segments.mismatches, 0);
        assert_int_equal(segments.figures[LOOP].self,
                         call == CALL_NEST ? 20 : 30);
        assert_int_equal(segments.figures[LOOP].total, 30);
        segments_free(&segments);
    }
}

static void
exits_through_guards_are_counted(void **state)
{
    struct segments segments = policies(INNER_EACH, CALL_CALLER);
    const struct jit_event events[] = {
        { .time = 0, .kind = JIT_ENTER, .trace = LOOP },
        { .time = 1, .kind = JIT_EXIT, .trace = LOOP, .guard = 5 },
        { .time = 2, .kind = JIT_ENTER, .trace = LOOP },
        { .time = 3, .kind = JIT_EXIT, .trace = LOOP, .guard = 5 },
        { .time = 4, .kind = JIT_ENTER, .trace = LOOP },
        { .time = 5, .kind = JIT_EXIT, .trace = LOOP },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(events); i++)
        assert_int_equal(segments_add(&segments, &events[i]), 0);
    assert_in_range(5, 0, segments.guard_count - 1);
    assert_int_equal(segments.guard_exits[5], 2);
    assert_int_equal(segments.guard_exits[4], 0);
    segments_free(&segments);
}

static void
time_off_the_cpu_is_nobodys(void **state)
{
    struct segments segments = policies(INNER_COUNT, CALL_CALLER);

    (void)state;
    add(&segments, 0, JIT_ENTER, LOOP);
    add(&segments, 10, JIT_SUSPEND, 0);
    add(&segments, 60, JIT_RESUME, 0);
    add(&segments, 70, JIT_SUSPEND, 0);
    /* Its RESUME is missing; who runs has resumed. */
    add(&segments, 90, JIT_EXIT, LOOP);
    assert_int_equal(segments.figures[LOOP].self, 20);
    assert_int_equal(segments.off_cpu, 50 + 20);
    assert_int_equal(segments.mismatches, 0);
    segments_free(&segments);
}

static void
off_the_cpu_in_a_call_the_callers_time_stops(void **state)
{
    struct segments segments = policies(INNER_COUNT, CALL_CALLER);

    (void)state;
    add(&segments, 0, JIT_ENTER, LOOP);
    add(&segments, 10, JIT_CALL, LOOP);
    add(&segments, 20, JIT_SUSPEND, 0);
    add(&segments, 50, JIT_RESUME, 0);
    add(&segments, 60, JIT_RETURN, LOOP);
    add(&segments, 70, JIT_EXIT, LOOP);
    assert_int_equal(segments.figures[LOOP].self, 40);
    assert_int_equal(segments.off_cpu, 30);
    assert_int_equal(segments.figures[0].self, 0);
    segments_free(&segments);
}

static void
threads_do_not_mix(void **state)
{
    struct segments segments = policies(INNER_COUNT, CALL_CALLER);
    const struct jit_event events[] = {
        { .time = 0, .kind = JIT_ENTER, .trace = LOOP },
        { .time = 1000, .kind = JIT_ENTER, .trace = OTHER, .thread = 7 },
        { .time = 10, .kind = JIT_EXIT, .trace = LOOP },
        { .time = 1005, .kind = JIT_EXIT, .trace = OTHER, .thread = 7 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(events); i++)
        assert_int_equal(segments_add(&segments, &events[i]), 0);
    check(&segments, LOOP, (struct expected){ 10, 10, 1, 1 });
    check(&segments, OTHER, (struct expected){ 5, 5, 1, 1 });
    assert_int_equal(segments.backwards, 0);
    segments_free(&segments);
}

static void
what_cannot_be_is_counted(void **state)
{
    struct segments segments = policies(INNER_EACH, CALL_NEST);

    (void)state;
    add(&segments, 100, JIT_ENTER, LOOP);
    add(&segments, 90, JIT_EXIT, OTHER);
    assert_int_equal(segments.backwards, 1);
    assert_int_equal(segments.mismatches, 1);
    add(&segments, 95, JIT_RETURN, 0);
    assert_int_equal(segments.mismatches, 2);
    add(&segments, 95, JIT_RESUME, 0);
    assert_int_equal(segments.mismatches, 3);
    add(&segments, 95, (enum jit_event_kind)99, 0);
    assert_int_equal(segments.mismatches, 4);
    assert_int_equal(segments.figures[LOOP].self, 0);
    segments_free(&segments);
}

static void
what_an_event_takes_is_taken_off(void **state)
{
    struct segments segments = policies(INNER_EACH, CALL_CALLER);

    (void)state;
    segments.policies.probe = 3;
    add(&segments, 0, JIT_ENTER, LOOP);
    add(&segments, 100, JIT_ENTER, INNER);
    add(&segments, 102, JIT_EXIT, INNER);
    assert_int_equal(segments.figures[LOOP].self, 97);
    assert_int_equal(segments.figures[INNER].self, 0);
    assert_int_equal(segments.overhead, 3 + 2);
    assert_false(segments_unreliable(&segments, LOOP));
    assert_true(segments_unreliable(&segments, INNER));
    assert_false(segments_unreliable(&segments, 99));
    segments_free(&segments);
}

static void
a_long_random_run_keeps_its_sums(void **state)
{
    uint64_t seed = 7, time = 0;

    (void)state;
    for (int round = 0; round < 60; round++) {
        struct segments segments = policies((enum inner_policy)(round % 3),
                                            (enum call_policy)(round / 3 % 2));
        const uint64_t start = time;
        uint64_t sum, entries = 0, to = 0;

        add(&segments, time, JIT_EXIT, 0);
        for (int i = 0; i < 2000; i++) {
            const struct jit_event event = {
                .time = time += draw(&seed) % 50,
                .kind = (uint8_t)(draw(&seed) % (JIT_RESUME + 1)),
                .trace = 1 + (uint32_t)(draw(&seed) % 3),
            };

            assert_int_equal(segments_add(&segments, &event), 0);
        }
        segments_end(&segments, 0, time);
        sum = segments.unknown + segments.off_cpu;
        for (uint32_t i = 0; i < segments.figure_count; i++) {
            sum += segments.figures[i].self;
            entries += segments.figures[i].entries;
            assert_true(!i ||
                        segments.figures[i].total >= segments.figures[i].self);
            assert_true(segments.figures[i].total <= time - start);
        }
        for (uint32_t i = 0; i < segments.transition_count; i++)
            to +=
                segments.transitions[i].to ? segments.transitions[i].count : 0;
        assert_int_equal(sum, time - start);
        assert_int_equal(entries, to);
        segments_free(&segments);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inner_bridges_have_their_own_time_with_each),
        cmocka_unit_test(inner_bridges_are_their_loop_with_ignore),
        cmocka_unit_test(
            inner_bridges_are_counted_in_their_loops_time_with_count),
        cmocka_unit_test(a_called_trace_has_its_own_time_with_nest),
        cmocka_unit_test(a_called_trace_nests_in_a_loop_with_its_bridges),
        cmocka_unit_test(all_time_is_someones_under_every_policy),
        cmocka_unit_test(the_example_of_the_plan_holds_under_every_policy),
        cmocka_unit_test(recursion_counts_once_in_a_total),
        cmocka_unit_test(a_return_ends_what_an_exception_left_open),
        cmocka_unit_test(exits_through_guards_are_counted),
        cmocka_unit_test(time_off_the_cpu_is_nobodys),
        cmocka_unit_test(off_the_cpu_in_a_call_the_callers_time_stops),
        cmocka_unit_test(threads_do_not_mix),
        cmocka_unit_test(what_cannot_be_is_counted),
        cmocka_unit_test(what_an_event_takes_is_taken_off),
        cmocka_unit_test(a_long_random_run_keeps_its_sums),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
