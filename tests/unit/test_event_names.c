/* SPDX-License-Identifier: MIT */

/* What kinds of events and groups of them are called. */

#include "suite.h"

#include <string.h>

#include <vmprof/vmprof.h>

#define BIT(name) VMPROF_EVENT_BIT(VMPROF_EVENT_##name)

static void
names_are_found_and_the_rest_is_refused(void **state)
{
    uint64_t events = 77, group, all = 0;

    (void)state;
    for (uint32_t kind = 0; kind < 70; kind++) {
        const char *const name = vmprof_event_name(kind);
        const bool is_there =
            kind < 64 && VMPROF_EVENTS_ALL & VMPROF_EVENT_BIT(kind);

        assert_int_equal(name != NULL, is_there);
        if (!name)
            continue;
        assert_int_equal(vmprof_parse_events(name, &events), 0);
        assert_int_equal(events, VMPROF_EVENT_BIT(kind));
    }
    for (uint64_t i = 0; vmprof_event_group(i, &group); i++) {
        assert_int_equal(
            vmprof_parse_events(vmprof_event_group(i, NULL), &events), 0);
        assert_int_equal(events, group);
        if (strcmp(vmprof_event_group(i, NULL), "all") != 0)
            all |= group;
    }
    /* Those that are in no group are asked for by their names. */
    assert_int_equal(VMPROF_EVENTS_ALL & ~all, BIT(LINE) | BIT(INSTRUCTION));
    assert_int_equal(vmprof_parse_events("gc,call;more", &events), 0);
    assert_int_equal(events, BIT(GC_START) | BIT(GC_END) | BIT(CALL));
    events = 77;
    assert_int_equal(vmprof_parse_events("", &events), -EINVAL);
    assert_int_equal(vmprof_parse_events("call,", &events), -EINVAL);
    assert_int_equal(vmprof_parse_events("call,lin", &events), -EINVAL);
    assert_int_equal(vmprof_parse_events("call line", &events), -EINVAL);
    assert_int_equal(events, 77);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_and_the_rest_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
