/* SPDX-License-Identifier: MIT */

/* Edges between traces, from the threads that take them to the file. */

#include "suite.h"

#include "jit_events.h"

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

/* One loop in twenty jumps is another's inner bridge. */
static size_t
count_inner(uint32_t policy)
{
    struct vmprof_options options = event_options(-1);
    struct decoded d;
    size_t inner = 0;
    int file;

    options.jit_inner = policy;
    file = begin(&options);
    for (unsigned i = 0; i < 100; i++) {
        vmprof_jit_jump_inner(thread, 2, VMPROF_EMIT_EVENT);
        vmprof_jit_jump(thread, 1, VMPROF_EMIT_EVENT);
    }
    finish(file, &d);
    for (size_t i = 0; i < d.event_count; i++) {
        inner += d.events[i].id == 2;
        require((d.events[i].bits & INNER_BIT) ==
                (policy >= VMPROF_JIT_INNER_EACH ? INNER_BIT : 0));
    }
    require(d.event_count == 100 + inner);
    decoded_free(&d);
    return inner;
}

static void
inner_bridges(void)
{
    require(count_inner(VMPROF_JIT_INNER_COUNT) == 0);
    require(count_inner(VMPROF_JIT_INNER_IGNORE) == 0);
    require(count_inner(VMPROF_JIT_INNER_EACH) == 100);
    require(count_inner(VMPROF_JIT_INNER_AUTO) == 100);
}

static void
inner_bridges_make_events_where_they_are_wanted(void **state)
{
    (void)state;
    assert_int_equal(isolate(inner_bridges, 60), 0);
}

/* Until the library finds that they are too short to time. */
static void
jump_in_short_segments(void)
{
    struct vmprof_options options = event_options(-1);
    size_t before = 0, after = 0;
    struct decoded d;
    int file;

    options.jit_inner = VMPROF_JIT_INNER_AUTO;
    options.jit_ring_size = SMALL_RING;
    file = begin(&options);
    while (before == 0 || thread->jit_ring->inner) {
        vmprof_jit_jump_inner(thread, 2, VMPROF_EMIT_EVENT);
        vmprof_jit_jump(thread, 1, VMPROF_EMIT_EVENT);
        before = 1;
    }
    for (before = 0; before < 10; before++) {
        usleep(10000); /* some of these may find room */
        vmprof_jit_jump_inner(thread, 2, VMPROF_EMIT_EVENT);
        vmprof_jit_jump(thread, 1, VMPROF_EMIT_EVENT);
    }
    finish(file, &d);
    before = 0;
    for (size_t i = 0; i < d.event_count; i++) {
        before += d.events[i].bits & INNER_BIT && d.events[i].id == 2;
        after += !(d.events[i].bits & INNER_BIT);
        require(d.events[i].id == 1 || d.events[i].bits & INNER_BIT);
    }
    require(before > 0 && after > 0 && after <= 11);
}

static void
short_segments_end_the_events_of_inner_bridges(void **state)
{
    (void)state;
    assert_int_equal(isolate(jump_in_short_segments, 60), 0);
}

/* Events say when they were, and how much of that the thread had a CPU. */
static void
tell_times(void)
{
    const struct vmprof_options options = event_options(-1);
    const int file = begin(&options);
    struct lived lived[3];
    struct decoded d;

    for (int i = 0; i < 3; i++) {
        lived[i] = lived_so_far();
        vmprof_jit_jump(thread, 1, VMPROF_EMIT_EVENT);
        if (i == 0)
            burn_cpu_ms(150);
        if (i == 1)
            sleep_ms(150);
    }
    /* The next mark is not far. */
    burn_cpu_ms(60);
    finish(file, &d);
    require(d.event_count == 3);
    for (int i = 1; i < 3; i++) {
        const double ns = d.events[i].ns - d.events[i - 1].ns;
        const double cpu_ns = d.events[i].cpu_ns - d.events[i - 1].cpu_ns;
        const double lived_ns =
            (double)(lived[i].wall_ns - lived[i - 1].wall_ns);
        const double lived_cpu_ns =
            (double)(lived[i].cpu_ns - lived[i - 1].cpu_ns);

        /* A thread may be kept from its CPU in the middle of it. */
        require(ns > lived_ns * 0.98 - 5e6 && ns < lived_ns * 1.02 + 60e6);
        require(cpu_ns > lived_cpu_ns - 65e6 && cpu_ns < lived_cpu_ns + 65e6);
    }
}

static void
events_have_times(void **state)
{
    (void)state;
    assert_int_equal(isolate(tell_times, 60), 0);
}

#define REFUSED(member, value)                                                 \
    do {                                                                       \
        struct vmprof_options bad = event_options(file);                       \
        bad.member = value;                                                    \
        require(vmprof_enable_with(&bad) == -EINVAL);                          \
    } while (0)

static void
refuse_options(void)
{
    const int file = profile_file();

    REFUSED(jit_emits, 8);
    REFUSED(jit_inner, VMPROF_JIT_INNER_AUTO + 1);
    REFUSED(jit_overflow, VMPROF_JIT_OVERFLOW_BLOCK + 1);
    REFUSED(jit_ring_size, 512);
    REFUSED(jit_ring_size, 1025);
    REFUSED(jit_ring_size, 1u << 27);
    REFUSED(format, VMPROF_FORMAT_LOG);
}

static void
bad_options_are_refused(void **state)
{
    (void)state;
    assert_int_equal(isolate(refuse_options, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_in_the_file_in_order),
        cmocka_unit_test(inner_bridges_make_events_where_they_are_wanted),
        cmocka_unit_test(short_segments_end_the_events_of_inner_bridges),
        cmocka_unit_test(events_have_times),
        cmocka_unit_test(bad_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
