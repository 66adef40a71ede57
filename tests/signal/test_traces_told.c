/* SPDX-License-Identifier: MIT */

/* What a file has of a trace: all that was told, and counts. */

#include "suite.h"

#include <string.h>

#include "traces.h"

/* All that was told of a trace, as the file has it. */
static void
require_whole_trace(const struct decoded *d, vmprof_jit_id id,
                    vmprof_jit_id bridge)
{
    const struct decoded_trace *const t = decoded_trace(d, id);
    const uint64_t *const n = t->fields.number;

    require(strcmp(t->fields.string[1], "a loop") == 0);
    require(n[2] == VMPROF_TRACE_LOOP && n[4] == VMPROF_END_LOOP);
    require(n[6] * 4 == outer && n[8] == 77 && n[10] == 12);
    require(n[12] == 0 && n[14] == 0 && n[16] == bridge);
    require(n[18] == (uintptr_t)machine_code && n[20] == PIECE && n[22] == 5);
    require(n[24] == 3 && n[26] == id + 1 && n[28] == 2 && n[30] == 0);
    require(t->places.count == 2 && t->positions.count == 2);
    require(t->places.rows[1].columns[0] * 4 == outer);
    require(t->places.rows[1].columns[1] == 9);
    require(t->places.rows[1].columns[2] == 13);
    require(t->places.rows[1].columns[3] == 1);
    require(t->positions.rows[1].columns[0] == 20);
    require(t->positions.rows[1].columns[1] == 1);
    require(t->guards.count == 2);
    require(strcmp(t->guards.rows[0].text, "x < y") == 0);
    require(t->guards.rows[0].columns[0] == 40);
    require(t->guards.rows[0].columns[1] == 2);
    require(t->guards.rows[0].columns[2] == 0);
    require(t->guards.rows[1].columns[2] == bridge);
    require(t->operations.count == 2);
    require(strcmp(t->operations.rows[1].text, "x = x + 1") == 0);
    require(t->operations.rows[1].columns[0] == 40);
    require(t->operations.rows[1].columns[1] == 0);
    require(t->operations.rows[1].columns[2] == 1);
    require(t->code_size == PIECE);
    require(memcmp(t->code, machine_code, PIECE) == 0);
}

static const struct vmprof_trace_guard guards[] = { { 40, 2, "x < y" },
                                                    { 60, 0, NULL } };

static void
register_whole_trace(vmprof_jit_id id, vmprof_jit_id target)
{
    const struct vmprof_trace_place places[] = {
        { .code = outer, .offset = 77, .line = 12 },
        { .code = outer, .offset = 9, .line = 13, .parent = 1 },
    };
    const struct vmprof_trace_position positions[] = { { 0, 0 }, { 20, 1 } };
    const struct vmprof_trace_operation operations[] = {
        { .offset = 0, .place = 1, .text = "label" },
        { .offset = 40, .guard = 1, .text = "x = x + 1" },
    };
    struct vmprof_trace trace = loop_in(0);

    trace.name = "a loop";
    trace.end = VMPROF_END_LOOP;
    trace.offset = 77;
    trace.line = 12;
    trace.target = target;
    trace.loop_offset = 5;
    trace.emits = VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT;
    trace.places = places;
    trace.place_count = LENGTH(places);
    trace.positions = positions;
    trace.position_count = LENGTH(positions);
    trace.guards = guards;
    trace.guard_count = LENGTH(guards);
    trace.operations = operations;
    trace.operation_count = LENGTH(operations);
    require(vmprof_register_trace(id, &trace) == 0);
}

static void
tell_all_of_a_trace(void)
{
    struct vmprof_reserved_trace loop, bridge;
    struct vmprof_trace trace;
    struct decoded d;
    int file;

    attach();
    for (size_t i = 0; i < sizeof(machine_code); i++)
        machine_code[i] = (unsigned char)(i * 7);
    require(vmprof_reserve_trace(2, &loop) == 0);
    require(vmprof_reserve_trace(0, &bridge) == 0);
    /* A session later it is told again. */
    for (unsigned i = 0; i < 2; i++) {
        file = begin_by_hand(thread, 100);
        if (i == 0) {
            register_whole_trace(loop.id, bridge.id);
            trace = loop_in(1);
            trace.kind = VMPROF_TRACE_BRIDGE;
            trace.guard = loop.first_guard + 1;
            require(vmprof_register_trace(bridge.id, &trace) == 0);
            require(vmprof_stitch_bridge(loop.first_guard + 1, bridge.id) == 0);
        }
        loop.counters[0] += 1000;
        loop.counters[2] += 7;
        finish_profile(file, &d);
        require(d.trace_count == 2);
        require_whole_trace(&d, loop.id, bridge.id);
        require((decoded_trace(&d, loop.id)->fields.number[32] != 0) == !i);
        require(decoded_trace(&d, bridge.id)->fields.number[12] == loop.id + 2);
        require(decoded_trace(&d, bridge.id)->fields.number[14] == loop.id);
        require(decoded_count(&d, loop.id) == 1000 * (i + 1));
        require(decoded_count(&d, loop.id + 1) == 0);
        require(decoded_count(&d, loop.id + 2) == 7 * (i + 1));
        decoded_free(&d);
    }
}

static void
the_file_has_all_that_was_told_of_a_trace(void **state)
{
    (void)state;
    assert_int_equal(isolate(tell_all_of_a_trace, 30), 0);
}

enum {
    MANY = 20000, /* of each list */
    MOST_CODE = 64 << 10,
};

static unsigned char big_code[MOST_CODE + 1000];

/* Lists that are longer than a chunk. */
static void
tell_long_lists(void)
{
    static struct vmprof_trace_operation operations[MANY];
    static struct vmprof_trace_position positions[MANY];
    static struct vmprof_trace_place places[MANY];
    static struct vmprof_trace_guard long_guards[MANY];
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;
    const struct decoded_trace *t;
    struct decoded d;
    char longest[3000];
    int file;

    attach();
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    for (uint32_t i = 0; i < MANY; i++) {
        operations[i] = (struct vmprof_trace_operation){
            .offset = i,
            .text = i % 100 ? "operation" : longest,
        };
        positions[i] = (struct vmprof_trace_position){ i, MANY - 1 - i };
        places[i] = (struct vmprof_trace_place){ .code = outer, .line = i };
        long_guards[i] = (struct vmprof_trace_guard){ i, i, "guard" };
    }
    for (size_t i = 0; i < sizeof(big_code); i++)
        big_code[i] = (unsigned char)(i % 251);
    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_METHOD;
    trace.name = longest;
    trace.address = big_code;
    trace.length = sizeof(big_code);
    trace.operations = operations;
    trace.positions = positions;
    trace.places = places;
    trace.guards = long_guards;
    trace.operation_count = trace.position_count = MANY;
    trace.place_count = trace.guard_count = MANY;
    require(vmprof_reserve_trace(MANY, &reserved) == 0);
    file = begin_by_hand(thread, 100);
    require(vmprof_register_trace(reserved.id, &trace) == 0);
    require(vmprof_stitch_bridge(reserved.first_guard + MANY - 1,
                                 reserved.id) == 0);
    finish_profile(file, &d);
    t = decoded_trace(&d, reserved.id);
    require(strlen(t->fields.string[1]) == 1023);
    require(t->operations.count == MANY && t->positions.count == MANY);
    require(t->places.count == MANY && t->guards.count == MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        require(t->operations.rows[i].columns[0] == i);
        require(strlen(t->operations.rows[i].text) == (i % 100 ? 9 : 1023));
        require(t->positions.rows[i].columns[1] == MANY - 1 - i);
        require(t->places.rows[i].columns[2] == i);
        require(t->guards.rows[i].columns[1] == i);
        require(t->guards.rows[i].columns[2] ==
                (i == MANY - 1 ? reserved.id : 0));
    }
    require(t->code_size == MOST_CODE);
    require(memcmp(t->code, big_code, MOST_CODE) == 0);
    decoded_free(&d);
}

static void
long_lists_are_whole(void **state)
{
    (void)state;
    assert_int_equal(isolate(tell_long_lists, 60), 0);
}

/* What is registered anew takes the place of all that was known. */
static void
tell_anew(void)
{
    static const struct vmprof_trace_guard other_guards[2];
    struct vmprof_reserved_trace reserved;
    struct vmprof_trace trace;
    const struct decoded_trace *t;
    struct decoded d;
    int file;

    attach();
    require(vmprof_reserve_trace(2, &reserved) == 0);
    file = begin_by_hand(thread, 100);
    register_whole_trace(reserved.id, 0);
    thread->trace = reserved.id;
    tick_by_hand(thread);
    /* The writer has seen it. */
    require(wait_until(profile_stats().samples_written == 1, 10000));
    trace = loop_in(3);
    trace.kind = VMPROF_TRACE_METHOD;
    trace.guards = other_guards;
    trace.guard_count = LENGTH(other_guards);
    require(vmprof_register_trace(reserved.id, &trace) == 0);
    finish_profile(file, &d);
    t = decoded_trace(&d, reserved.id);
    require(t->told == 2 && t->fields.number[2] == VMPROF_TRACE_METHOD);
    require(!t->fields.string[1]);
    require(t->operations.count == 0 && t->positions.count == 0);
    require(t->places.count == 0 && t->guards.count == 2);
    decoded_free(&d);
}

static void
a_trace_can_be_registered_anew(void **state)
{
    (void)state;
    assert_int_equal(isolate(tell_anew, 30), 0);
}

/* Counts come about once a second, and only those that have changed. */
static void
count_for_a_while(void)
{
    struct vmprof_reserved_trace loop, still;
    struct vmprof_trace trace;
    struct decoded d;
    size_t loops = 0, stills = 0;
    int file;

    attach();
    trace = loop_in(0);
    trace.emits = VMPROF_EMIT_COUNT;
    require(vmprof_reserve_trace(0, &loop) == 0);
    require(vmprof_register_trace(loop.id, &trace) == 0);
    trace = loop_in(1);
    trace.emits = VMPROF_EMIT_COUNT;
    require(vmprof_reserve_trace(0, &still) == 0);
    require(vmprof_register_trace(still.id, &trace) == 0);
    __atomic_store_n(still.counters, 3, __ATOMIC_RELAXED);
    file = begin_by_hand(thread, 100);
    /* Two read-outs before the last one. */
    for (uint64_t bytes = profile_stats().bytes_written, seen = 0; seen < 2;) {
        __atomic_fetch_add(loop.counters, 1, __ATOMIC_RELAXED);
        sleep_ms(20);
        seen += profile_stats().bytes_written != bytes;
        bytes = profile_stats().bytes_written;
    }
    require(vmprof_unregister_trace(loop.id) == 0);
    __atomic_fetch_add(loop.counters, 1, __ATOMIC_RELAXED);
    finish_profile(file, &d);
    require(decoded_count(&d, loop.id) == *loop.counters);
    require(decoded_count(&d, still.id) == 3);
    for (size_t i = 0; i < d.count_count; i++) {
        loops += d.counts[i].id == loop.id;
        stills += d.counts[i].id == still.id;
    }
    require(loops >= 2 && stills == 1);
    decoded_free(&d);
}

static void
counts_are_written_as_they_change(void **state)
{
    (void)state;
    assert_int_equal(isolate(count_for_a_while, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_has_all_that_was_told_of_a_trace),
        cmocka_unit_test(long_lists_are_whole),
        cmocka_unit_test(a_trace_can_be_registered_anew),
        cmocka_unit_test(counts_are_written_as_they_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
