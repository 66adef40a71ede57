/* SPDX-License-Identifier: MIT */

/* What a tracer does to be told of events: it counts itself at a probe. */
#include "recorder.h"

#include "record/events/usdt.h"

extern volatile unsigned short vmprof_call_semaphore;
extern volatile unsigned short vmprof_gc__end_semaphore;

static void
events_are_wanted_while_a_tracer_is_at_their_probe(void **state)
{
    (void)state;
    vmp_usdt_check();
    assert_false(vmprof_wants_event(self, VMPROF_EVENTS_ALL));
    vmprof_call_semaphore++;
    vmprof_gc__end_semaphore++;
    vmp_usdt_check();
    assert_true(vmprof_wants_event(self, BIT(CALL)));
    assert_true(vmprof_wants_event(self, BIT(GC_END)));
    assert_false(vmprof_wants_event(self, ~(BIT(CALL) | BIT(GC_END))));
    assert_int_equal(fire(VMPROF_EVENT_CALL), 0);
    vmprof_call_semaphore--;
    vmp_usdt_check();
    assert_false(vmprof_wants_event(self, BIT(CALL)));
    assert_true(vmprof_wants_event(self, BIT(GC_END)));
    vmprof_gc__end_semaphore--;
    vmp_usdt_check();
    assert_false(vmprof_wants_event(self, VMPROF_EVENTS_ALL));
}

static void
a_thread_that_attaches_sees_the_tracer(void **state)
{
    (void)state;
    vmprof_detach_thread(self);
    vmprof_call_semaphore++;
    assert_int_equal(vmprof_attach_thread(NULL, &self), 0);
    assert_true(vmprof_wants_event(self, BIT(CALL)));
    vmprof_call_semaphore--;
    vmp_usdt_check();
    assert_false(vmprof_wants_event(self, BIT(CALL)));
}

static void
probes_beside_tools_change_nothing_for_these(void **state)
{
    struct recorder a;

    (void)state;
    add_tool(&a, 'a', 0);
    vmprof_set_events(a.tool, BIT(CALL));
    vmprof_call_semaphore++;
    vmp_usdt_check();
    a.result = VMPROF_EVENT_DISABLE;
    fire(VMPROF_EVENT_CALL);
    fire(VMPROF_EVENT_CALL);
    assert_string_equal(take_told(), "a");
    vmprof_call_semaphore--;
    vmp_usdt_check();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(events_are_wanted_while_a_tracer_is_at_their_probe),
        TEST(a_thread_that_attaches_sees_the_tracer),
        TEST(probes_beside_tools_change_nothing_for_these),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
