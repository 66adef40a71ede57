/* SPDX-License-Identifier: MIT */

/* The recorder: what the file has is what was fired, or is counted. */

#include "suite.h"

#include <pthread.h>

#include "event_recorder.h"

enum {
    PLENTY = 20000,
    THREADS = 4,
};

static void
options_that_mean_nothing_are_refused(void **state)
{
    struct vmprof_event_recorder_options options;

    (void)state;
    vmprof_event_recorder_options_init(&options);
    assert_int_equal(vmprof_start_event_recorder(NULL), -EINVAL);
    options.period = 0;
    assert_int_equal(vmprof_start_event_recorder(&options), -EINVAL);
    options.period = (UINT64_C(1) << 31) + 1;
    assert_int_equal(vmprof_start_event_recorder(&options), -EINVAL);
    options.period = 1;
    options.events = (uint64_t)1 << 6;
    assert_int_equal(vmprof_start_event_recorder(&options), -EINVAL);
    options.events = BIT(CALL);
    options.rate = 1000000001;
    assert_int_equal(vmprof_start_event_recorder(&options), -EINVAL);
    options.rate = 0;
    for (options.ring_size = 255; options.ring_size <= 257;
         options.ring_size += 2)
        assert_int_equal(vmprof_start_event_recorder(&options), -EINVAL);
    options.ring_size = 1 << 25;
    assert_int_equal(vmprof_start_event_recorder(&options), -EINVAL);
    options.ring_size = 0;
    assert_int_equal(vmprof_stop_event_recorder(), -EALREADY);
    assert_int_equal(vmprof_start_event_recorder(&options), 0);
    assert_int_equal(vmprof_start_event_recorder(&options), -EALREADY);
    assert_int_equal(vmprof_stop_event_recorder(), 0);
    assert_int_equal(vmprof_stop_event_recorder(), -EALREADY);
}

static void
an_event_is_recorded_with_all_that_it_says(void **state)
{
    const struct vmprof_event events[] = {
        { .kind = VMPROF_EVENT_CALL,
          .code = code_named("a"),
          .line = 7,
          .offset = 70 },
        { .kind = VMPROF_EVENT_C_CALL,
          .code = code_named("b"),
          .callee = code_named("c"),
          .line = UINT32_MAX,
          .offset = UINT64_MAX },
        { .kind = VMPROF_EVENT_BACK_EDGE,
          .code = code_named("b"),
          .offset = 1,
          .target = UINT64_MAX },
        { .kind = VMPROF_EVENT_GC_START },
        { .kind = VMPROF_EVENT_VM + 15, .line = 1, .target = 3 },
    };
    const size_t count = sizeof(events) / sizeof(*events);
    struct decoded d = { 0 };
    int file;

    (void)state;
    start(VMPROF_EVENTS_ALL, 1, 0, 0);
    file = enable();
    for (size_t i = 0; i < count; i++)
        fire_on(self, &events[i]);
    finish(file, &d);
    assert_int_equal(d.recorded_count, count);
    for (size_t i = 0; i < count; i++) {
        const struct decoded_recorded *const is = &d.recorded[i];

        assert_int_equal(is->number, i);
        assert_int_equal(is->kind, events[i].kind);
        assert_int_equal(is->code, events[i].code);
        assert_int_equal(is->line, events[i].line);
        assert_int_equal(is->offset, events[i].offset);
        assert_int_equal(is->target, events[i].target);
        assert_int_equal(is->callee, events[i].callee);
        assert_int_equal(is->missing, 0);
    }
    assert_string_equal(decoded_name(&d, d.recorded[1].callee), "t:c:1:");
    assert_int_equal(d.recorded_totals.events, VMPROF_EVENTS_ALL);
    assert_int_equal(d.recorded_totals.period, 1);
    decoded_free(&d);
}

/* The clock of the samples: the session's, which the test can read, too. */
static void
times_are_those_of_the_sessions_clock(void **state)
{
    struct vmprof_event event = { .kind = VMPROF_EVENT_VM };
    const uint64_t before = lived_so_far().wall_ns;
    struct decoded d = { 0 };
    uint64_t last = 0;
    int file;

    (void)state;
    start(BIT(VM), 1, 0, 0);
    file = enable();
    for (unsigned i = 0; i < 1000; i++) {
        event.target = lived_so_far().wall_ns;
        fire_on(self, &event);
    }
    finish(file, &d);
    assert_int_equal(d.recorded_count, 1000);
    for (size_t i = 0; i < d.recorded_count; i++) {
        const uint64_t at = d.session.number[8] + d.recorded[i].time_ns;

        assert_true(at >= d.recorded[i].target && at >= before);
        assert_true(at <= lived_so_far().wall_ns);
        assert_true(i + 1 == d.recorded_count ||
                    at <= d.recorded[i + 1].target);
        assert_true(d.recorded[i].time_ns >= last);
        last = d.recorded[i].time_ns;
    }
    decoded_free(&d);
}

static void *
fire_many(void *user)
{
    const struct vmprof_event event = { .kind = VMPROF_EVENT_LINE,
                                        .line = (uint32_t)(uintptr_t)user };
    struct vmprof_thread *thread;

    if (vmprof_attach_thread(NULL, &thread) < 0)
        return user;
    for (unsigned i = 0; i < rounds(PLENTY); i++)
        if (vmprof_wants_event(thread, BIT(LINE)))
            vmprof_fire_event(thread, &event);
    return vmprof_detach_thread(thread) < 0 ? user : NULL;
}

static void
events_of_many_threads_are_recorded_or_counted(void **state)
{
    pthread_t threads[THREADS];
    uint64_t next[THREADS + 1] = { 0 };
    struct vmprof_recorded_events all;
    struct decoded d = { 0 };
    void *failed;
    int file;

    (void)state;
    start(BIT(LINE), 1, 0, 1 << 10);
    file = enable();
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, fire_many, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    finish(file, &d);
    all = counts(BIT(LINE));
    assert_int_equal(sum_of(&all), THREADS * rounds(PLENTY));
    assert_int_equal(all.left_out + all.over_rate, 0);
    assert_int_equal(all.recorded, d.recorded_count);
    for (size_t i = 0; i < d.recorded_count; i++) {
        const struct decoded_recorded *const is = &d.recorded[i];

        assert_in_range(is->line, 1, THREADS);
        assert_int_equal(is->number, next[is->line]);
        next[is->line]++;
    }
    decoded_free(&d);
}

/* Nothing is lost silently: the event that follows says of which kinds. */
static void
what_is_missing_is_told_by_the_event_behind_it(void **state)
{
    struct decoded d = { 0 };
    int file;
    size_t lost;

    (void)state;
    start(BIT(LINE) | BIT(CALL) | BIT(RETURN), 1, 0, 256);
    file = enable();
    fire(VMPROF_EVENT_CALL, 1);
    /* More than there is room for, however fast the writer is. */
    for (lost = 0; !lost; lost = (size_t)counts(BIT(LINE)).no_room)
        fire(VMPROF_EVENT_LINE, 1000);
    while (counts(BIT(RETURN)).recorded == 0) {
        const struct timespec moment = { .tv_nsec = 1000000 };

        nanosleep(&moment, NULL);
        fire(VMPROF_EVENT_RETURN, 1);
    }
    finish(file, &d);
    assert_int_equal(d.recorded[0].kind, VMPROF_EVENT_CALL);
    for (size_t i = 1; i < d.recorded_count; i++)
        if (d.recorded[i].kind == VMPROF_EVENT_RETURN) {
            uint64_t missing = 0;

            for (size_t j = 1; j <= i; j++)
                missing |= d.recorded[j].missing;
            assert_true(missing & BIT(LINE));
            assert_false(missing & BIT(CALL));
            break;
        }
    decoded_free(&d);
}

/* Six deviations of a Poisson variable. */
static bool
is_near(uint64_t count, double mean)
{
    const double off = (double)count - mean;

    return off * off < 36 * mean;
}

/* Each event is recorded with a chance of 1 in n, but that two in a row repel
 * each other: the count has less than the binomial's deviation. */
static void
one_in_n_is_recorded_and_the_rest_is_counted(void **state)
{
    const unsigned fired = rounds(200000), period = 50;
    const double mean = (double)fired / period;
    struct vmprof_recorded_events calls, returns;
    struct decoded d = { 0 };
    uint64_t odd = 0;
    int file;

    (void)state;
    start(BIT(CALL) | BIT(RETURN), period, 0, 1 << 16);
    file = enable();
    /* In step with any even period that has no jitter. */
    for (unsigned i = 0; i < fired; i++) {
        const struct vmprof_event event = { .kind = VMPROF_EVENT_CALL,
                                            .target = i };

        fire_on(self, &event);
    }
    fire(VMPROF_EVENT_RETURN, period * 20);
    finish(file, &d);
    calls = counts(BIT(CALL));
    returns = counts(BIT(RETURN));
    assert_int_equal(sum_of(&calls), fired);
    assert_int_equal(calls.no_room + calls.over_rate, 0);
    assert_true(is_near(calls.recorded, mean));
    /* Kinds have a period each: rare ones do not go under. */
    assert_int_equal(sum_of(&returns), period * 20);
    assert_in_range(returns.recorded, 9, 40);
    for (size_t i = 0; i < d.recorded_count; i++)
        odd +=
            d.recorded[i].kind == VMPROF_EVENT_CALL && d.recorded[i].target % 2;
    assert_true(is_near(odd, mean / 2));
    decoded_free(&d);
}

static void
no_more_than_the_rate_is_recorded(void **state)
{
    const uint64_t rate = 5000, from = lived_so_far().wall_ns;
    struct vmprof_recorded_events all;
    struct decoded d = { 0 };
    uint64_t fired = 0;
    double seconds;
    int file;

    (void)state;
    start(BIT(LINE), 1, rate, 1 << 16);
    file = enable();
    while (lived_so_far().wall_ns - from < 300 * 1000000) {
        fire(VMPROF_EVENT_LINE, 100);
        fired += 100;
    }
    seconds = (double)(lived_so_far().wall_ns - from) * 1e-9;
    finish(file, &d);
    all = counts(BIT(LINE));
    assert_int_equal(sum_of(&all), fired);
    assert_int_equal(all.no_room + all.left_out, 0);
    assert_true((double)all.recorded <= (double)rate * (seconds + 0.1) + 2);
    /* A second apart there are no more than so many anywhere. */
    for (size_t i = 0; i + rate / 2 < d.recorded_count; i++)
        assert_true(
            (double)(d.recorded[i + rate / 2].time_ns - d.recorded[i].time_ns) *
                    1e-9 * (double)rate +
                (double)rate / 10 + 2 >=
            (double)rate / 2);
    if (!is_slow())
        assert_true((double)all.recorded > (double)rate * 0.1);
    assert_true(all.over_rate > 0);
    decoded_free(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(options_that_mean_nothing_are_refused),
        TEST(an_event_is_recorded_with_all_that_it_says),
        TEST(times_are_those_of_the_sessions_clock),
        TEST(events_of_many_threads_are_recorded_or_counted),
        TEST(what_is_missing_is_told_by_the_event_behind_it),
        TEST(one_in_n_is_recorded_and_the_rest_is_counted),
        TEST(no_more_than_the_rate_is_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
