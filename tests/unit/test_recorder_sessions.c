/* SPDX-License-Identifier: MIT */

/* The recorder: when events are recorded, and by whom. */

#include "suite.h"

#include <pthread.h>

#include "event_recorder.h"

enum {
    STARTS = 60000,
};

static void
nothing_is_recorded_without_a_session_or_in_a_pause(void **state)
{
    struct vmprof_recorded_events lines;
    struct decoded d = { 0 };
    int file;

    (void)state;
    start(BIT(LINE), 1, 0, 0);
    fire(VMPROF_EVENT_LINE, 10);
    file = enable();
    fire(VMPROF_EVENT_LINE, 3);
    assert_int_equal(vmprof_pause(), 1);
    fire(VMPROF_EVENT_LINE, 4);
    assert_int_equal(vmprof_resume(), 0);
    fire(VMPROF_EVENT_LINE, 1);
    finish(file, &d);
    fire(VMPROF_EVENT_LINE, 10);
    lines = counts(BIT(LINE));
    assert_int_equal(lines.recorded, 4);
    assert_int_equal(lines.left_out, 4);
    assert_int_equal(sum_of(&lines), 8);
    assert_int_equal(d.recorded[3].missing, BIT(LINE));
    decoded_free(&d);
}

static void
each_session_begins_anew(void **state)
{
    (void)state;
    start(BIT(LINE), 1, 0, 0);
    for (unsigned i = 1; i <= 3; i++) {
        struct decoded d = { 0 };
        const int file = enable();

        fire(VMPROF_EVENT_LINE, i);
        finish(file, &d);
        assert_int_equal(d.recorded_count, i);
        decoded_free(&d);
    }
}

static void
it_can_be_stopped_and_started_in_a_session(void **state)
{
    struct vmprof_tool_info info;
    struct decoded d = { 0 };
    int file;

    (void)state;
    file = enable();
    fire(VMPROF_EVENT_LINE, 10);
    start(BIT(LINE), 1, 0, 0);
    fire(VMPROF_EVENT_LINE, 2);
    assert_int_equal(vmprof_stop_event_recorder(), 0);
    fire(VMPROF_EVENT_LINE, 10);
    start(BIT(CALL), 1, 0, 1 << 10);
    fire(VMPROF_EVENT_LINE, 10);
    fire(VMPROF_EVENT_CALL, 1);
    /* Whoever takes its tool away has stopped it. */
    vmprof_tool_info_init(&info);
    assert_int_equal(vmprof_get_tool("vmprof-recorder", &info), 0);
    assert_int_equal(vmprof_unregister_tool(info.tool), 0);
    fire(VMPROF_EVENT_CALL, 10);
    assert_int_equal(vmprof_stop_event_recorder(), 0);
    finish(file, &d);
    assert_int_equal(d.recorded_count, 3);
    assert_int_equal(d.recorded[2].kind, VMPROF_EVENT_CALL);
    assert_true(d.recorded[2].missing & BIT(CALL));
    decoded_free(&d);
}

/* Returns how often it was refused for another reason than that it runs. */
static void *
start_and_stop(void *user)
{
    struct vmprof_event_recorder_options options;
    uintptr_t refused = 0;

    (void)user;
    vmprof_event_recorder_options_init(&options);
    for (unsigned i = 0; i < rounds(STARTS); i++) {
        const int r = vmprof_start_event_recorder(&options);

        refused += r < 0 && r != -EALREADY;
        vmprof_stop_event_recorder();
    }
    return (void *)refused;
}

static void
it_can_be_started_while_another_thread_stops_it(void **state)
{
    void *refused;
    pthread_t other;

    (void)state;
    assert_int_equal(pthread_create(&other, NULL, start_and_stop, NULL), 0);
    assert_null(start_and_stop(NULL));
    assert_int_equal(pthread_join(other, &refused), 0);
    assert_null(refused);
}

/* Of a vmprof log nobody would find them. */
static void
a_vmprof_log_has_no_events(void **state)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.1);
    struct vmprof_recorded_events lines;

    (void)state;
    options.format = VMPROF_FORMAT_LOG;
    start(BIT(LINE), 1, 0, 0);
    assert_int_equal(vmprof_enable_with(&options), 0);
    fire(VMPROF_EVENT_LINE, 10);
    assert_int_equal(vmprof_disable(), 0);
    lines = counts(BIT(LINE));
    assert_int_equal(sum_of(&lines), 0);
    close(file);
}

static void
record_in_child(void)
{
    struct decoded d = { 0 };
    int file;

    fire(VMPROF_EVENT_LINE, 5);
    file = enable();
    fire(VMPROF_EVENT_LINE, 2);
    finish_profile(file, &d);
    require(d.recorded_count == 2);
    require(vmprof_stop_event_recorder() == 0);
    start(BIT(CALL), 1, 0, 0);
    require(vmprof_stop_event_recorder() == 0);
}

static void
a_child_records_its_own_events_in_its_own_session(void **state)
{
    struct decoded d = { 0 };
    int file, status;
    pid_t child;

    (void)state;
    start(BIT(LINE), 1, 0, 0);
    file = enable();
    fire(VMPROF_EVENT_LINE, 3);
    child = fork();
    if (child == 0) {
        record_in_child();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    fire(VMPROF_EVENT_LINE, 1);
    finish(file, &d);
    assert_int_equal(d.recorded_count, 4);
    decoded_free(&d);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_recorded_without_a_session_or_in_a_pause),
        TEST(each_session_begins_anew),
        TEST(it_can_be_stopped_and_started_in_a_session),
        TEST(it_can_be_started_while_another_thread_stops_it),
        TEST(a_vmprof_log_has_no_events),
        TEST(a_child_records_its_own_events_in_its_own_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
