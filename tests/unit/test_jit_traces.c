/* SPDX-License-Identifier: MIT */

/* The registry of traces: what it takes, what it refuses, and what stays. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <vmprof/trace.h>

#include "isolate.h"
#include "record/jit/ranges.h"
#include "record/jit/traces.h"

enum {
    MACHINE_CODE = 1 << 16,
};

static unsigned char machine_code[MACHINE_CODE];

static struct vmprof_reserved_trace
reserve(uint64_t guards)
{
    struct vmprof_reserved_trace reserved;

    assert_int_equal(vmprof_reserve_trace(guards, &reserved), 0);
    return reserved;
}

static struct vmprof_trace
loop_at(size_t offset, uint64_t length)
{
    struct vmprof_trace trace;

    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.address = machine_code + offset;
    trace.length = length;
    return trace;
}

static vmprof_jit_id
register_loop(size_t offset, uint64_t length)
{
    const struct vmprof_trace trace = loop_at(offset, length);
    const vmprof_jit_id id = reserve(0).id;

    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    return id;
}

static uint32_t
trace_at(size_t offset)
{
    struct vmp_range range;

    return vmp_find_range((uintptr_t)machine_code + offset, &range)
               ? range.trace
               : 0;
}

static void
ids_of_traces_and_guards_are_one_row(void **state)
{
    (void)state;
    const struct vmprof_reserved_trace a = reserve(0), b = reserve(3),
                                       c = reserve(1);

    assert_true(a.id > 0);
    assert_int_equal(a.first_guard, 0);
    assert_int_equal(b.id, a.id + 1);
    assert_int_equal(b.first_guard, b.id + 1);
    assert_int_equal(c.id, b.id + 4);
    for (unsigned i = 0; i <= 3; i++)
        assert_int_equal(b.counters[i], 0);
}

static void
too_many_guards_are_refused(void **state)
{
    (void)state;
    struct vmprof_reserved_trace reserved = { .id = 7 };

    assert_int_equal(vmprof_reserve_trace(65536, &reserved), -EINVAL);
    assert_int_equal(vmprof_reserve_trace(UINT64_MAX, &reserved), -EINVAL);
    assert_int_equal(reserved.id, 7);
    assert_int_equal(vmprof_reserve_trace(65535, &reserved), 0);
}

static void
a_trace_lives_from_its_registration_to_its_end(void **state)
{
    (void)state;
    struct vmprof_trace trace = loop_at(0, 100);
    const vmprof_jit_id id = reserve(0).id;

    assert_int_equal(vmprof_register_trace(id + 1, &trace), -ENOENT);
    assert_int_equal(vmprof_register_trace(0, &trace), -ENOENT);
    assert_int_equal(vmprof_unregister_trace(id), -ENOENT);
    assert_int_equal(vmprof_move_trace(id, machine_code), -ENOENT);
    assert_int_equal(trace_at(0), 0);
    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    assert_int_equal(trace_at(0), id);
    assert_int_equal(trace_at(99), id);
    assert_int_equal(trace_at(100), 0);
    assert_int_equal(vmprof_abort_trace(id, 0, 0, NULL), -ENOENT);
    assert_int_equal(vmprof_move_trace(id, machine_code + 200), 0);
    assert_int_equal(trace_at(0), 0);
    assert_int_equal(trace_at(200), id);
    trace = loop_at(220, 50);
    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    assert_int_equal(trace_at(219), 0);
    assert_int_equal(trace_at(269), id);
    assert_int_equal(vmprof_unregister_trace(id), 0);
    assert_int_equal(trace_at(220), 0);
    assert_int_equal(vmprof_unregister_trace(id), -ENOENT);
    assert_int_equal(vmprof_register_trace(id, &trace), -ENOENT);
    assert_int_equal(vmprof_move_trace(id, machine_code), -ENOENT);
}

static void
an_aborted_trace_is_none(void **state)
{
    (void)state;
    const struct vmprof_trace trace = loop_at(0, 100);
    const vmprof_jit_id id = reserve(2).id;

    assert_int_equal(vmprof_abort_trace(id + 1, 4, 0, NULL), -ENOENT);
    assert_int_equal(vmprof_abort_trace(id + 3, 4, 0, NULL), -ENOENT);
    assert_int_equal(vmprof_abort_trace(id, 4, 12, "too long"), 0);
    assert_int_equal(vmprof_abort_trace(id, 4, 12, "too long"), -ENOENT);
    assert_int_equal(vmprof_register_trace(id, &trace), -ENOENT);
    assert_int_equal(vmprof_abort_trace(0, 4, 12, NULL), 0);
    assert_true(reserve(0).id == id + 3);
}

static void
an_address_is_one_trace_s(void **state)
{
    (void)state;
    const vmprof_jit_id first = register_loop(100, 50),
                        second = register_loop(150, 50), third = reserve(0).id;
    const size_t at[] = { 50, 51, 99, 100, 149, 199, 0 };

    for (size_t i = 1; i < LENGTH(at); i++) {
        const struct vmprof_trace trace = loop_at(at[i], at[i] ? 50 : 300);

        assert_int_equal(vmprof_register_trace(third, &trace), -EEXIST);
    }
    assert_int_equal(vmprof_move_trace(first, machine_code + 101), -EEXIST);
    assert_int_equal(vmprof_move_trace(first, machine_code + 99), 0);
    assert_int_equal(trace_at(99), first);
    assert_int_equal(trace_at(149), 0);
    assert_int_equal(vmprof_unregister_trace(first), 0);
    assert_int_equal(vmprof_unregister_trace(second), 0);
    assert_int_equal(trace_at(120), 0);

    const struct vmprof_trace trace = loop_at(100, 100);
    assert_int_equal(vmprof_register_trace(third, &trace), 0);
    assert_int_equal(trace_at(120), third);
    assert_int_equal(vmprof_unregister_trace(third), 0);
}

static const struct vmprof_trace_place places[] = {
    { .code = 4, .offset = 1, .line = 2 },
    { .code = 8, .parent = 1 },
    { .code = 12, .parent = 2 },
};
static const struct vmprof_trace_position positions[] = {
    { 0, 0 }, { 10, 2 }, { 10, 1 }, { 100, 0 }
};
static const struct vmprof_trace_guard guards[] = { { 50, 3, "a > b" },
                                                    { 0, 0, NULL } };
static const struct vmprof_trace_operation operations[] = {
    { .offset = 0, .text = "i = i + 1" },
    { .offset = 50, .guard = 1, .place = 1 },
};

static struct vmprof_trace
whole_trace(void)
{
    struct vmprof_trace trace = loop_at(0, 100);

    trace.end = VMPROF_END_LOOP;
    trace.name = "loop";
    trace.places = places;
    trace.place_count = LENGTH(places);
    trace.positions = positions;
    trace.position_count = LENGTH(positions);
    trace.guards = guards;
    trace.guard_count = LENGTH(guards);
    trace.operations = operations;
    trace.operation_count = LENGTH(operations);
    return trace;
}

/* One change to what is right that makes it wrong. */
static void
refuse(vmprof_jit_id id, const struct vmprof_trace *trace)
{
    assert_int_equal(vmprof_register_trace(id, trace), -EINVAL);
    assert_int_equal(trace_at(0), 0);
}

#define REFUSE(member, value)                                                  \
    do {                                                                       \
        struct vmprof_trace changed = whole_trace();                           \
        changed.member = (value);                                              \
        refuse(id, &changed);                                                  \
    } while (0)

static void
what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    const vmprof_jit_id id = reserve(2).id;
    const struct vmprof_trace trace = whole_trace();

    assert_int_equal(vmprof_register_trace(id, NULL), -EINVAL);
    REFUSE(size, 8);
    REFUSE(size, 5000);
    REFUSE(kind, 0);
    REFUSE(kind, 6);
    REFUSE(end, 5);
    REFUSE(frame, 3);
    REFUSE(emits, 8);
    REFUSE(length, 0);
    REFUSE(length, 99);
    REFUSE(length, (uint64_t)1 << 32);
    REFUSE(loop_offset, 101);
    REFUSE(guard_count, 1);
    REFUSE(guard_count, 3);
    REFUSE(guards, NULL);
    REFUSE(places, NULL);
    REFUSE(place_count, 2);
    REFUSE(place_count, (1 << 20) + 1);
    REFUSE(positions, NULL);
    REFUSE(position_count, (1 << 20) + 1);
    REFUSE(operations, NULL);
    REFUSE(operation_count, (1 << 20) + 1);
    REFUSE(address, (void *)(UINTPTR_MAX - 50));
    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    assert_int_equal(vmprof_unregister_trace(id), 0);
}

static void
so_is_what_points_nowhere(void **state)
{
    (void)state;
    const vmprof_jit_id id = reserve(2).id;
    const struct vmprof_trace_place itself[] = { { .parent = 1 } }, later[] = {
        { .code = 4 }, { .parent = 3 }, { .code = 8 }
    };
    const struct vmprof_trace_position back[] = { { 2, 0 }, { 1, 0 } },
                                       outside[] = { { 101, 0 }, { 101, 0 } },
                                       no_place[] = { { 1, 3 }, { 2, 0 } };
    const struct vmprof_trace_guard far[] = { { 101, 0, NULL },
                                              { 0, 0, NULL } },
                                    lost[] = { { 1, 4, NULL }, { 0, 0, NULL } };
    const struct vmprof_trace_operation
        up[] = { { .offset = 2 }, { .offset = 1 } },
        beyond[] = { { .offset = 1 }, { .offset = 101 } },
        nowhere[] = { { .place = 4 }, { .place = 0 } },
        no_guard[] = { { .guard = 3 }, { .guard = 0 } },
        newer[] = { { .reserved = 1 }, { .guard = 0 } };
    struct vmprof_trace wrong = whole_trace();

    wrong.place_count = 1;
    wrong.position_count = wrong.operation_count = 0;
    wrong.places = itself;
    refuse(id, &wrong);
    REFUSE(places, later);
    REFUSE(positions, back);
    REFUSE(positions, outside);
    REFUSE(positions, no_place);
    REFUSE(guards, far);
    REFUSE(guards, lost);
    REFUSE(operations, up);
    REFUSE(operations, beyond);
    REFUSE(operations, nowhere);
    REFUSE(operations, no_guard);
    REFUSE(operations, newer);
}

static void
what_is_newer_than_the_library_is_refused(void **state)
{
    (void)state;
    const vmprof_jit_id id = reserve(0).id;
    struct {
        struct vmprof_trace known;
        uint64_t newer;
    } trace = { loop_at(0, 100), 0 };

    trace.known.size = sizeof(trace);
    trace.newer = 1;
    assert_int_equal(vmprof_register_trace(id, &trace.known), -E2BIG);
    trace.newer = 0;
    assert_int_equal(vmprof_register_trace(id, &trace.known), 0);
    assert_int_equal(vmprof_unregister_trace(id), 0);
}

static void
a_trace_without_machine_code_has_offsets_of_its_own(void **state)
{
    (void)state;
    struct vmprof_trace trace = whole_trace();
    const vmprof_jit_id id = reserve(2).id;

    trace.address = NULL;
    trace.length = 0;
    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    assert_int_equal(trace_at(0), 0);
    assert_int_equal(vmprof_move_trace(id, machine_code), -EINVAL);
    trace = whole_trace();
    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    assert_int_equal(trace_at(0), id);
    trace.address = NULL;
    trace.length = 0;
    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    assert_int_equal(trace_at(0), 0);
    assert_int_equal(vmprof_unregister_trace(id), 0);
}

static void
a_move_leads_somewhere(void **state)
{
    (void)state;
    const vmprof_jit_id id = register_loop(0, 100);

    assert_int_equal(vmprof_move_trace(id, NULL), -EINVAL);
    assert_int_equal(vmprof_move_trace(id, (void *)(UINTPTR_MAX - 9)), -EINVAL);
    assert_int_equal(trace_at(0), id);
    assert_int_equal(vmprof_unregister_trace(id), 0);
}

static void
guards_are_stitched_to_what_is_registered(void **state)
{
    (void)state;
    struct vmprof_trace trace = whole_trace();
    const vmprof_jit_id id = reserve(2).id, bridge = register_loop(200, 10),
                        other = reserve(0).id;

    assert_int_equal(vmprof_stitch_bridge(id + 1, bridge), -ENOENT);
    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    assert_int_equal(vmprof_stitch_bridge(id, bridge), -ENOENT);
    assert_int_equal(vmprof_stitch_bridge(id + 3, bridge), -ENOENT);
    assert_int_equal(vmprof_stitch_bridge(bridge, bridge), -ENOENT);
    assert_int_equal(vmprof_stitch_bridge(id + 1, other), -ENOENT);
    assert_int_equal(vmprof_stitch_bridge(id + 1, id + 2), -ENOENT);
    assert_int_equal(vmprof_stitch_bridge(id + 1, 1 << 24), -ENOENT);
    assert_int_equal(vmprof_stitch_bridge(id + 2, bridge), 0);
    assert_int_equal(vmprof_stitch_bridge(id + 2, 0), 0);
    assert_int_equal(vmprof_unregister_trace(bridge), 0);
    assert_int_equal(vmprof_stitch_bridge(id + 1, bridge), -ENOENT);
    assert_int_equal(vmprof_unregister_trace(id), 0);
    assert_int_equal(vmprof_stitch_bridge(id + 1, 0), -ENOENT);
}

static void
edges_store_which_trace_is_current_by_default(void **state)
{
    (void)state;
    assert_int_equal(vmprof_wanted_emits(), VMPROF_EMIT_CURRENT);
}

enum {
    THREADS = 4,
    PIECE = 64,
};

/* A whole life of many traces, each thread in its own part of the memory. */
static void *
live(void *user)
{
    const size_t from = (size_t)(uintptr_t)user;
    uint64_t seed = from + 1;

    for (unsigned i = 0; i < rounds(4000); i++) {
        struct vmprof_trace trace = loop_at(
            from + (size_t)draw(&seed) % (MACHINE_CODE / THREADS - PIECE),
            1 + draw(&seed) % PIECE);
        struct vmprof_reserved_trace reserved;
        const struct vmprof_trace_guard guard = { 0, 0, "g" };

        trace.guards = &guard;
        trace.guard_count = 1;
        if (vmprof_reserve_trace(1, &reserved) < 0 ||
            vmprof_register_trace(reserved.id, &trace) < 0 ||
            trace_at((size_t)((const unsigned char *)trace.address -
                              machine_code)) != reserved.id ||
            vmprof_stitch_bridge(reserved.first_guard, reserved.id) < 0 ||
            vmprof_move_trace(reserved.id, machine_code + from) < 0 ||
            trace_at(from) != reserved.id ||
            vmprof_unregister_trace(reserved.id) < 0 || trace_at(from) != 0)
            return machine_code;
        ++*reserved.counters;
    }
    return NULL;
}

static void
threads_register_at_the_same_time(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    void *wrong;

    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, live,
                                        (void *)(i * (MACHINE_CODE / THREADS))),
                         0);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
}

static vmprof_jit_id kept;

static void
use_as_a_child(void)
{
    const struct vmprof_trace trace = loop_at(500, 10);
    struct vmprof_reserved_trace reserved;

    require(trace_at(300) == kept);
    require(vmprof_reserve_trace(0, &reserved) == 0);
    require(reserved.id > kept);
    require(vmprof_register_trace(reserved.id, &trace) == 0);
    require(trace_at(500) == reserved.id);
    require(vmprof_unregister_trace(kept) == 0);
    require(trace_at(300) == 0);
}

static atomic_bool is_over;

static void *
register_on(void *user)
{
    while (!atomic_load(&is_over))
        live(user);
    return NULL;
}

static void
a_child_keeps_all_traces(void **state)
{
    (void)state;
    pthread_t busy;

    kept = register_loop(300, 10);
    /* What it was about to register is lost in the child, as valgrind says. */
    if (!is_slow())
        assert_int_equal(pthread_create(&busy, NULL, register_on,
                                        (void *)(uintptr_t)(MACHINE_CODE / 2)),
                         0);
    for (unsigned i = 0; i < rounds(40); i++)
        assert_int_equal(isolate(use_as_a_child, 20), 0);
    atomic_store(&is_over, true);
    if (!is_slow())
        assert_int_equal(pthread_join(busy, NULL), 0);
    assert_int_equal(trace_at(300), kept);
    assert_int_equal(vmprof_unregister_trace(kept), 0);
}

/* What is left of 100,000 traces that are gone. */
static void
traces_that_are_gone_cost_little(void **state)
{
    (void)state;
    const unsigned count = rounds(100000);
    const int64_t from = now_ms();
    struct vmprof_trace trace = whole_trace();

    for (unsigned i = 0; i < count; i++) {
        const vmprof_jit_id id = reserve(2).id;

        assert_int_equal(vmprof_register_trace(id, &trace), 0);
        assert_int_equal(vmprof_unregister_trace(id), 0);
        if (i % 1000 == 0) {
            struct vmp_trace *const gone = vmp_traces_lookup(id);

            assert_int_equal(gone->told->is.operation_count, 0);
            assert_int_equal(gone->told->is.position_count, 0);
            assert_string_equal(gone->told->is.name, "loop");
            assert_null(gone->code);
        }
    }
    print_message("# %u traces in %lld ms\n", count,
                  (long long)(now_ms() - from));
}

static vmprof_jit_id
register_whole(vmprof_jit_id id)
{
    const struct vmprof_trace trace = whole_trace();

    assert_int_equal(vmprof_register_trace(id, &trace), 0);
    return id;
}

/* The writer is at work with what it has, and then comes to the rest. */
static void
what_is_new_stays_until_it_is_written(void **state)
{
    (void)state;
    struct vmp_trace_copy copy;
    vmprof_jit_id id;

    vmp_traces_record(VMP_RECORD_TRACES);
    id = register_whole(reserve(2).id);
    assert_true(vmp_traces_next(&copy));
    assert_int_equal(copy.is.id, id);
    register_whole(id);
    assert_int_equal(vmprof_unregister_trace(id), 0);
    vmp_trace_copy_free(&copy);

    assert_true(vmp_traces_next(&copy));
    assert_true(copy.news & VMP_NEWS_LISTS);
    assert_int_equal(copy.is.told->is.position_count, LENGTH(positions));
    assert_non_null(copy.is.code);
    vmp_trace_copy_free(&copy);
    assert_int_equal(vmp_traces_lookup(id)->told->is.position_count, 0);
    assert_false(vmp_traces_next(&copy));
    vmp_traces_record(VMP_RECORD_NO_TRACES);
}

static void
use_up_ids(void)
{
    struct vmprof_reserved_trace reserved;
    uint64_t last = 0;
    unsigned count = 0;
    int r;

    while ((r = vmprof_reserve_trace(65535, &reserved)) == 0)
        count++;
    require(r == -ENOSPC);
    require(count >= 200 && count < 256);
    /* Fewer guards have room yet, down to none. */
    for (uint64_t most = 65535; most; most /= 2)
        while (vmprof_reserve_trace(most, &reserved) == 0)
            last = reserved.first_guard + most - 1;
    while ((r = vmprof_reserve_trace(0, &reserved)) == 0)
        last = reserved.id;
    require(r == -ENOSPC);
    require(last == (1 << 24) - 1);
}

static void
ids_end_at_2_to_the_24(void **state)
{
    (void)state;
    assert_int_equal(isolate(use_up_ids, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_of_traces_and_guards_are_one_row),
        cmocka_unit_test(too_many_guards_are_refused),
        cmocka_unit_test(a_trace_lives_from_its_registration_to_its_end),
        cmocka_unit_test(an_aborted_trace_is_none),
        cmocka_unit_test(an_address_is_one_trace_s),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(so_is_what_points_nowhere),
        cmocka_unit_test(what_is_newer_than_the_library_is_refused),
        cmocka_unit_test(a_trace_without_machine_code_has_offsets_of_its_own),
        cmocka_unit_test(a_move_leads_somewhere),
        cmocka_unit_test(guards_are_stitched_to_what_is_registered),
        cmocka_unit_test(edges_store_which_trace_is_current_by_default),
        cmocka_unit_test(threads_register_at_the_same_time),
        cmocka_unit_test(a_child_keeps_all_traces),
        cmocka_unit_test(traces_that_are_gone_cost_little),
        cmocka_unit_test(what_is_new_stays_until_it_is_written),
        cmocka_unit_test(ids_end_at_2_to_the_24),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
