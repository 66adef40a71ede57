/* SPDX-License-Identifier: MIT */

/* Edges between traces, from the threads that take them to the file. */

#include "suite.h"

#include <pthread.h>
#include <sched.h>

#include "profiled.h"

static const double INTERVAL = 0.001;

enum {
    SMALL_RING = 1024,
    BLOCK_BIT = 1,
    NEWEST_BIT = 2,
    INNER_BIT = 4,
    LOST_NUMBER = 46, /* keys of STATS */
    EVENTS_NUMBER = 44,
};

static struct vmprof_thread *thread;

static struct vmprof_options
event_options(int file)
{
    struct vmprof_options options = profile_options(file, INTERVAL);

    options.jit_emits = VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT;
    return options;
}

static int
begin(const struct vmprof_options *given)
{
    struct vmprof_options options = *given;

    options.fd = profile_file();
    if (!vmprof_current_thread())
        require(vmprof_attach_thread(NULL, &thread) == 0);
    require(vmprof_enable_with(&options) == 0);
    return options.fd;
}

static void
require_that_events_balance(const struct decoded *d)
{
    const struct vmprof_stats stats = profile_stats();

    require(stats.jit_events == d->event_count);
    require(d->stats.number[EVENTS_NUMBER] == stats.jit_events);
    require(d->stats.number[LOST_NUMBER] == stats.jit_events_lost);
}

static void
finish(int file, struct decoded *d)
{
    finish_profile(file, d);
    require_that_events_balance(d);
}

/* Takes an edge of each kind, as a thread comes to them. */
static void
take_each_edge(void)
{
    const uint32_t emits = VMPROF_EMIT_CURRENT | VMPROF_EMIT_EVENT;

    vmprof_jit_enter(thread, 1, emits);
    require(thread->trace == 1);
    vmprof_jit_jump(thread, 2, emits);
    require(thread->trace == 2);
    vmprof_jit_call(thread, 2, emits);
    require(thread->trace == 0);
    vmprof_jit_enter(thread, 3, emits);
    vmprof_jit_exit(thread, 4, emits);
    require(thread->trace == 0);
    vmprof_jit_return(thread, 2, emits);
    require(thread->trace == 2);
    vmprof_jit_exit(thread, 0xffffff, emits);
    require(thread->trace == 0);
}

static void
each_edge(void)
{
    static const uint32_t expected[][2] = {
        { 1, VMPROF_EDGE_ENTER },       { 2, VMPROF_EDGE_JUMP },
        { 2, VMPROF_EDGE_CALL },        { 3, VMPROF_EDGE_ENTER },
        { 4, VMPROF_EDGE_EXIT },        { 2, VMPROF_EDGE_RETURN },
        { 0xffffff, VMPROF_EDGE_EXIT },
    };
    const struct vmprof_options options = event_options(-1);
    const int file = begin(&options);
    struct decoded d;

    take_each_edge();
    finish(file, &d);
    require(d.event_count == LENGTH(expected));
    for (size_t i = 0; i < d.event_count; i++) {
        require(d.events[i].id == expected[i][0]);
        require(d.events[i].edge == expected[i][1]);
        require(d.events[i].number == i && d.events[i].lost == 0);
        require(!i || d.events[i].ticks > d.events[i - 1].ticks);
    }
}

static void
events_are_in_the_file_in_order(void **state)
{
    (void)state;
    assert_int_equal(isolate(each_edge, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_in_the_file_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
