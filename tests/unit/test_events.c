/* SPDX-License-Identifier: MIT */

/* Tools, what they ask for, and what they are told. */

#include "recorder.h"

#include <errno.h>

#include "record/events/places.h"

static void
a_tool_that_is_registered_wrongly_is_refused(void **state)
{
    struct vmprof_tool_callbacks callbacks;
    struct recorder recorder;
    vmprof_tool tool = 0;
    char name[80];

    (void)state;
    vmprof_tool_callbacks_init(&callbacks);
    memset(name, 'x', sizeof(name));
    name[64] = 0;
    assert_int_equal(vmprof_register_tool(name, &callbacks, &tool), -EINVAL);
    assert_int_equal(vmprof_register_tool("", &callbacks, &tool), -EINVAL);
    assert_int_equal(vmprof_register_tool(NULL, &callbacks, &tool), -EINVAL);
    assert_int_equal(vmprof_register_tool("a", NULL, &tool), -EINVAL);
    callbacks.size = 8;
    assert_int_equal(vmprof_register_tool("a", &callbacks, &tool), -EINVAL);
    add_tool(&recorder, 'a', 0);
    vmprof_tool_callbacks_init(&callbacks);
    assert_int_equal(vmprof_register_tool("ta", &callbacks, &tool), -EEXIST);
    assert_int_equal(tool, 0);
    assert_int_equal(vmprof_unregister_tool(recorder.tool + 1), -ENOENT);
    assert_int_equal(vmprof_set_events(recorder.tool + 1, 0), -ENOENT);
    assert_int_equal(vmprof_set_events(recorder.tool, (uint64_t)1 << 6),
                     -EINVAL);
    assert_int_equal(vmprof_set_code_events(recorder.tool, 0, 0), -EINVAL);
    assert_int_equal(vmprof_set_thread_events(recorder.tool, NULL, 0), -ESRCH);
    assert_int_equal(vmprof_get_tool(NULL, NULL), -EINVAL);
    assert_int_equal(vmprof_get_tool("tb", NULL), -ENOENT);
    assert_int_equal(vmprof_list_tool(1, NULL), -EINVAL);
}

static void
as_many_tools_as_there_is_room_for_can_be_registered(void **state)
{
    static struct recorder recorders[VMPROF_MAX_TOOLS];
    struct vmprof_tool_callbacks callbacks;
    vmprof_tool tool;

    (void)state;
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        add_tool(&recorders[i], (char)('A' + (int)i), 0);
    vmprof_tool_callbacks_init(&callbacks);
    assert_int_equal(vmprof_register_tool("more", &callbacks, &tool), -ENOSPC);
    assert_int_equal(vmprof_unregister_tool(recorders[7].tool), 0);
    assert_int_equal(vmprof_register_tool("more", &callbacks, &tool), 0);
    assert_true(tool > recorders[VMPROF_MAX_TOOLS - 1].tool);
}

static void
a_tool_is_told_of_what_it_has_asked_for_and_of_nothing_else(void **state)
{
    struct recorder a, b;

    (void)state;
    add_tool(&a, 'a', 0);
    add_tool(&b, 'b', 0);
    assert_false(vmprof_wants_event(self, VMPROF_EVENTS_ALL));
    assert_int_equal(vmprof_set_events(a.tool, BIT(CALL) | BIT(LINE)), 0);
    assert_int_equal(vmprof_set_events(b.tool, BIT(LINE)), 0);
    fire(VMPROF_EVENT_CALL);
    assert_string_equal(take_told(), "a");
    fire(VMPROF_EVENT_LINE);
    assert_string_equal(take_told(), "ab");
    fire(VMPROF_EVENT_RETURN);
    assert_string_equal(take_told(), "");
    assert_int_equal(vmprof_set_events(a.tool, 0), 0);
    fire(VMPROF_EVENT_LINE);
    assert_string_equal(take_told(), "b");
    assert_false(vmprof_wants_event(self, BIT(CALL)));
}

static void
tools_are_told_by_priority_and_then_in_the_order_they_came(void **state)
{
    struct recorder a, b, c, d;
    struct vmprof_tool_info info;

    (void)state;
    add_tool(&a, 'a', 0);
    add_tool(&b, 'b', 5);
    add_tool(&c, 'c', -5);
    add_tool(&d, 'd', 5);
    for (const struct recorder *const *r =
             (const struct recorder *const[]){ &a, &b, &c, &d, NULL };
         *r; r++)
        vmprof_set_events((*r)->tool, BIT(CALL));
    fire(VMPROF_EVENT_CALL);
    assert_string_equal(take_told(), "bdac");
    vmprof_tool_info_init(&info);
    assert_int_equal(vmprof_list_tool(3, &info), 0);
    assert_string_equal(info.name, "tc");
    assert_int_equal(info.priority, -5);
    assert_int_equal(vmprof_list_tool(4, &info), -ENOENT);
}

static void
events_without_a_callback_cost_what_none_cost(void **state)
{
    struct vmprof_tool_callbacks callbacks;
    vmprof_tool tool;

    (void)state;
    vmprof_tool_callbacks_init(&callbacks);
    assert_int_equal(vmprof_register_tool("silent", &callbacks, &tool), 0);
    assert_int_equal(vmprof_set_events(tool, VMPROF_EVENTS_ALL), 0);
    assert_false(vmprof_wants_event(self, VMPROF_EVENTS_ALL));
    assert_int_equal(vmprof_wanted_events(CODE), 0);
}

static void
a_site_that_a_tool_has_disabled_is_the_others_as_before(void **state)
{
    struct recorder a, b;

    (void)state;
    add_tool(&a, 'a', 0);
    add_tool(&b, 'b', 0);
    vmprof_set_events(a.tool, BIT(LINE) | BIT(CALL));
    vmprof_set_events(b.tool, BIT(LINE));
    a.result = VMPROF_EVENT_DISABLE;
    assert_int_equal(fire(VMPROF_EVENT_LINE), 0); /* b wants more */
    assert_string_equal(take_told(), "ab");
    fire(VMPROF_EVENT_LINE);
    assert_string_equal(take_told(), "b");
    fire_at(VMPROF_EVENT_LINE, CODE, 2);
    fire_at(VMPROF_EVENT_LINE, OTHER_CODE, 1);
    fire(VMPROF_EVENT_CALL); /* another event, there */
    assert_string_equal(take_told(), "ababa");
    b.result = VMPROF_EVENT_DISABLE;
    assert_int_equal(fire(VMPROF_EVENT_LINE), 1); /* now nobody does */
    assert_int_equal(fire(VMPROF_EVENT_LINE), 1);
    assert_string_equal(take_told(), "b");
    assert_int_equal(vmprof_restart_events(a.tool), 0);
    a.result = VMPROF_EVENT_KEEP;
    assert_int_equal(fire(VMPROF_EVENT_LINE), 0);
    assert_string_equal(take_told(), "a");
}

static void
many_sites_can_be_disabled(void **state)
{
    enum {
        CODES = 50,
        SITES = 400
    };
    struct vmprof_code_class *code_class;
    vmprof_code_id codes[CODES];
    struct recorder a;

    (void)state;
    assert_int_equal(vmprof_register_code_class("sites", NULL, &code_class), 0);
    for (unsigned i = 0; i < CODES; i++)
        assert_int_equal(
            vmprof_register_code(code_class, NULL, "sites:f:1:x", &codes[i]),
            0);
    add_tool(&a, 'a', 0);
    vmprof_set_events(a.tool, BIT(LINE));
    a.result = VMPROF_EVENT_DISABLE;
    for (unsigned round = 0; round < 3; round++)
        for (uint64_t i = 0; i < CODES * SITES; i++)
            assert_int_equal(
                fire_at(VMPROF_EVENT_LINE, codes[i % CODES], i / CODES), 1);
    assert_int_equal(a.calls, CODES * SITES);
}

static void
events_can_be_wanted_of_one_code_or_one_thread(void **state)
{
    struct recorder a, b;

    (void)state;
    add_tool(&a, 'a', 0);
    add_tool(&b, 'b', 0);
    assert_int_equal(vmprof_set_code_events(a.tool, OTHER_CODE, BIT(LINE)), 0);
    assert_int_equal(vmprof_set_thread_events(b.tool, self, BIT(CALL)), 0);
    fire_at(VMPROF_EVENT_LINE, CODE, 1);
    assert_string_equal(take_told(), "");
    fire_at(VMPROF_EVENT_LINE, OTHER_CODE, 1);
    fire(VMPROF_EVENT_CALL);
    assert_string_equal(take_told(), "ab");
    assert_int_equal(vmprof_wanted_events(CODE), BIT(CALL));
    assert_int_equal(vmprof_wanted_events(OTHER_CODE), BIT(CALL) | BIT(LINE));
    assert_int_equal(vmprof_set_code_events(a.tool, OTHER_CODE, 0), 0);
    assert_int_equal(vmprof_set_thread_events(b.tool, self, 0), 0);
    assert_false(vmprof_wants_event(self, VMPROF_EVENTS_ALL));
}

static void
a_site_counts_as_wanted_while_another_code_alone_is_looked_at(void **state)
{
    struct recorder a;

    (void)state;
    add_tool(&a, 'a', 0);
    a.result = VMPROF_EVENT_DISABLE;
    vmprof_set_code_events(a.tool, CODE, BIT(LINE));
    assert_int_equal(fire_at(VMPROF_EVENT_LINE, OTHER_CODE, 1), 0);
    assert_int_equal(fire_at(VMPROF_EVENT_LINE, CODE, 1), 1);
    assert_int_equal(a.calls, 1);
}

static unsigned look_ups;

uint64_t
__real_vmp_places_get(struct vmp_places *places, uint64_t code, uint64_t offset,
                      uint32_t kind);
uint64_t
__wrap_vmp_places_get(struct vmp_places *places, uint64_t code, uint64_t offset,
                      uint32_t kind);

uint64_t
__wrap_vmp_places_get(struct vmp_places *places, uint64_t code, uint64_t offset,
                      uint32_t kind)
{
    look_ups++;
    return __real_vmp_places_get(places, code, offset, kind);
}

/* Of an event that nobody keeps. */
static unsigned
count_look_ups(void)
{
    look_ups = 0;
    fire_at(VMPROF_EVENT_LINE, CODE, 7);
    return look_ups;
}

static void
nobody_looks_for_sites_once_none_is_disabled(void **state)
{
    struct recorder a, b, c;
    unsigned usual;

    (void)state;
    add_tool(&a, 'a', 0);
    add_tool(&b, 'b', 0);
    add_tool(&c, 'c', 0);
    vmprof_set_code_events(c.tool, OTHER_CODE, BIT(LINE));
    usual = count_look_ups();
    a.result = b.result = VMPROF_EVENT_DISABLE;
    vmprof_set_events(a.tool, BIT(LINE));
    vmprof_set_events(b.tool, BIT(LINE) | BIT(CALL));
    fire_at(VMPROF_EVENT_LINE, CODE, 1);
    fire(VMPROF_EVENT_CALL);
    vmprof_set_events(a.tool, 0);
    vmprof_set_events(b.tool, 0);
    assert_true(count_look_ups() > usual);
    vmprof_restart_events(a.tool);
    assert_true(count_look_ups() > usual); /* b has one yet */
    vmprof_unregister_tool(b.tool);
    assert_int_equal(count_look_ups(), usual);
    vmprof_set_events(a.tool, BIT(CALL));
    fire(VMPROF_EVENT_CALL);
    assert_int_equal(count_look_ups(), usual); /* another kind */
}

static unsigned changes;
static uint64_t last_epoch;

static void
note_change(void *user, uint64_t epoch)
{
    assert_ptr_equal(user, &changes);
    assert_true(epoch > last_epoch);
    assert_int_equal(epoch, vmprof_events_epoch());
    last_epoch = epoch;
    changes++;
}

static void
the_vm_is_told_when_something_changes(void **state)
{
    struct recorder a;

    (void)state;
    last_epoch = vmprof_events_epoch();
    changes = 0;
    vmprof_on_mask_change(note_change, &changes);
    add_tool(&a, 'a', 0); /* wants nothing yet */
    assert_int_equal(changes, 0);
    vmprof_set_events(a.tool, BIT(CALL));
    vmprof_set_code_events(a.tool, CODE, BIT(LINE));
    vmprof_set_thread_events(a.tool, self, BIT(LINE));
    vmprof_restart_events(a.tool);
    vmprof_unregister_tool(a.tool);
    assert_int_equal(changes, 5);
    vmprof_on_mask_change(NULL, NULL);
    assert_int_equal(vmprof_set_events(a.tool, 0), -ENOENT);
    assert_int_equal(changes, 5);
}

static void
allocations_are_told_by_bytes(void **state)
{
    enum {
        TIMES = 100000,
        BYTES = 48,
        PERIOD = 4096
    };
    struct vmprof_tool_callbacks callbacks;
    struct recorder a = { .letter = 'a' };
    uint64_t stands_for = 0;
    unsigned seen = 0;

    (void)state;
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.user = &a;
    callbacks.event = record;
    callbacks.allocation_period = PERIOD;
    assert_int_equal(vmprof_register_tool("bytes", &callbacks, &a.tool), 0);
    vmprof_set_events(a.tool, BIT(ALLOCATION));
    for (unsigned i = 0; i < TIMES; i++) {
        struct vmprof_event event = {
            .kind = VMPROF_EVENT_ALLOCATION,
            .code = CODE,
            .target = BYTES,
        };

        assert_int_equal(vmprof_event_allocation(self, &event), 0);
        if (a.calls > seen) {
            seen = a.calls;
            stands_for += a.last.target;
        }
    }
    /* What the last event has not told of is less than one and a half. */
    assert_in_range(stands_for, TIMES * BYTES - PERIOD * 3 / 2, TIMES * BYTES);
    assert_in_range(seen, TIMES * BYTES / PERIOD * 9 / 10,
                    TIMES * BYTES / PERIOD * 11 / 10);
}

static void
events_that_mean_nothing_and_threads_that_are_none_are_left_alone(void **state)
{
    const struct vmprof_event bad = { .kind = 64 }, good = { .kind = 0 };
    struct recorder a;

    (void)state;
    add_tool(&a, 'a', 0);
    vmprof_set_events(a.tool, VMPROF_EVENTS_ALL);
    assert_int_equal(vmprof_fire_event(self, &bad), 0);
    assert_int_equal(vmprof_fire_event(NULL, &good), 0);
    assert_int_equal(a.calls, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_tool_that_is_registered_wrongly_is_refused),
        TEST(as_many_tools_as_there_is_room_for_can_be_registered),
        TEST(a_tool_is_told_of_what_it_has_asked_for_and_of_nothing_else),
        TEST(tools_are_told_by_priority_and_then_in_the_order_they_came),
        TEST(events_without_a_callback_cost_what_none_cost),
        TEST(a_site_that_a_tool_has_disabled_is_the_others_as_before),
        TEST(many_sites_can_be_disabled),
        TEST(events_can_be_wanted_of_one_code_or_one_thread),
        TEST(a_site_counts_as_wanted_while_another_code_alone_is_looked_at),
        TEST(nobody_looks_for_sites_once_none_is_disabled),
        TEST(the_vm_is_told_when_something_changes),
        TEST(allocations_are_told_by_bytes),
        TEST(events_that_mean_nothing_and_threads_that_are_none_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
