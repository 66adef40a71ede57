/* SPDX-License-Identifier: MIT */

/* What callbacks may do, and what their answers are. */

#include "recorder.h"

#include <errno.h>
#include <setjmp.h>
#include <sys/wait.h>
#include <unistd.h>

static void
the_first_error_is_the_vms_and_all_tools_are_told(void **state)
{
    struct recorder a, b, c;
    struct vmprof_tool_info info;

    (void)state;
    add_tool(&a, 'a', 0);
    add_tool(&b, 'b', 0);
    add_tool(&c, 'c', 0);
    vmprof_set_events(a.tool, BIT(RAISE));
    vmprof_set_events(b.tool, BIT(RAISE));
    vmprof_set_events(c.tool, BIT(RAISE));
    b.result = -EIO;
    c.result = -EPERM;
    errno = ENOENT;
    assert_int_equal(fire(VMPROF_EVENT_RAISE), -EIO);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(take_told(), "abc");
    vmprof_tool_info_init(&info);
    assert_int_equal(vmprof_get_tool("tc", &info), 0);
    assert_int_equal(info.errors, 1);
    assert_int_equal(info.last_error, -EPERM);
}

static void
fire_again(struct recorder *recorder)
{
    if (recorder->calls < 5)
        fire(VMPROF_EVENT_CALL);
}

static void
a_callback_has_no_events_of_its_own_but_others_have_them(void **state)
{
    struct recorder a, b;

    (void)state;
    add_tool(&a, 'a', 0);
    add_tool(&b, 'b', 0);
    vmprof_set_events(a.tool, BIT(CALL));
    vmprof_set_events(b.tool, BIT(CALL));
    a.act = fire_again;
    fire(VMPROF_EVENT_CALL);
    assert_string_equal(take_told(), "abb");
    b.act = fire_again;
    fire(VMPROF_EVENT_CALL);
    /* a, then b inside of it, then b, and a inside of that. */
    assert_string_equal(take_told(), "abba");
}

static void
unregister_own(struct recorder *recorder)
{
    struct vmprof_tool_callbacks callbacks;
    vmprof_tool tool;

    assert_int_equal(vmprof_unregister_tool(recorder->tool), 0);
    fire(VMPROF_EVENT_CALL);
    /* One that comes now is not taken for it. */
    vmprof_tool_callbacks_init(&callbacks);
    assert_int_equal(vmprof_register_tool("ta", &callbacks, &tool), 0);
    assert_int_not_equal(tool, recorder->tool);
}

static void
a_callback_can_take_its_own_tool_away(void **state)
{
    struct recorder a, b;
    struct vmprof_tool_info info;

    (void)state;
    add_tool(&a, 'a', 0);
    add_tool(&b, 'b', 0);
    vmprof_set_events(a.tool, BIT(CALL));
    vmprof_set_events(b.tool, BIT(CALL));
    a.act = unregister_own;
    a.result = VMPROF_EVENT_DISABLE;
    assert_int_equal(fire(VMPROF_EVENT_CALL), 0);
    assert_string_equal(take_told(), "abb");
    fire(VMPROF_EVENT_CALL);
    assert_string_equal(take_told(), "b");
    vmprof_tool_info_init(&info);
    assert_int_equal(vmprof_get_tool("ta", &info), 0);
    assert_int_equal(info.errors, 0);
    assert_int_equal(info.events, 0);
}

static jmp_buf out;

static void
jump_out(struct recorder *recorder)
{
    (void)recorder;
    longjmp(out, 1);
}

static void
a_callback_may_be_left_by_a_longjmp_that_the_vm_tells_of(void **state)
{
    struct recorder a;
    const uint64_t token = vmprof_running_callbacks(self);

    (void)state;
    add_tool(&a, 'a', 0);
    vmprof_set_events(a.tool, BIT(CALL));
    a.act = jump_out;
    if (!setjmp(out)) {
        fire(VMPROF_EVENT_CALL);
        fail();
    }
    vmprof_event_abandoned(self, token);
    a.act = NULL;
    fire(VMPROF_EVENT_CALL);
    assert_string_equal(take_told(), "aa");
    assert_int_equal(vmprof_unregister_tool(a.tool), 0);
}

static void
fork_in_it(struct recorder *recorder)
{
    int status;
    const pid_t child = fork();

    if (child == 0) {
        fire(VMPROF_EVENT_CALL);
        vmprof_set_events(recorder->tool, 0);
        _exit(vmprof_wants_event(self, VMPROF_EVENTS_ALL) ||
              recorder->calls != 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void
a_callback_may_fork(void **state)
{
    struct recorder a;

    (void)state;
    add_tool(&a, 'a', 0);
    vmprof_set_events(a.tool, BIT(CALL));
    a.act = fork_in_it;
    fire(VMPROF_EVENT_CALL);
    a.act = NULL;
    fire(VMPROF_EVENT_CALL);
    assert_string_equal(take_told(), "aa");
}

static int
value_of(void *user, struct vmprof_thread *thread,
         const struct vmprof_event *event, enum vmprof_value_name name,
         uint64_t index, struct vmprof_value *value)
{
    assert_ptr_equal(user, told);
    assert_ptr_equal(thread, self);
    if (name != VMPROF_VALUE_OF_ARGUMENT || index > 1)
        return -ENOENT;
    value->kind = VMPROF_VALUE_INTEGER;
    value->integer = (int64_t)event->offset + (int64_t)index;
    return 0;
}

static void
look_at_values(struct recorder *recorder)
{
    struct vmprof_value value = { .integer = 9 };

    assert_int_equal(vmprof_get_event_value(self, &recorder->last,
                                            VMPROF_VALUE_OF_ARGUMENT, 1,
                                            &value),
                     0);
    assert_int_equal(value.integer, 2);
    assert_int_equal(vmprof_get_event_value(self, &recorder->last,
                                            VMPROF_VALUE_OF_LOCAL, 0, &value),
                     -ENOENT);
    assert_int_equal(value.integer, 2);
}

static void
values_are_fetched_when_they_are_asked_for(void **state)
{
    struct recorder a;
    struct vmprof_value value;

    (void)state;
    add_tool(&a, 'a', 0);
    vmprof_set_events(a.tool, BIT(CALL));
    assert_int_equal(vmprof_get_event_value(self, &a.last,
                                            VMPROF_VALUE_OF_OBJECT, 0, &value),
                     -ENOTSUP);
    vmprof_set_value_function(value_of, told);
    a.act = look_at_values;
    fire(VMPROF_EVENT_CALL);
    assert_int_equal(a.calls, 1);
    vmprof_set_value_function(NULL, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_error_is_the_vms_and_all_tools_are_told),
        TEST(a_callback_has_no_events_of_its_own_but_others_have_them),
        TEST(a_callback_can_take_its_own_tool_away),
        TEST(a_callback_may_be_left_by_a_longjmp_that_the_vm_tells_of),
        TEST(a_callback_may_fork),
        TEST(values_are_fetched_when_they_are_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
