/* SPDX-License-Identifier: MIT */

/* What becomes of traces: moved, gone, aborted, and in a child. */

#include "suite.h"

#include <string.h>

#include "traces.h"

/* What becomes of traces while a session runs. */
static void
change_traces(void)
{
    struct vmprof_reserved_trace moved, gone, aborted, later;
    struct decoded d;
    const struct decoded_trace *t;
    int file;

    attach();
    moved = register_loop(0);
    gone = register_loop(1);
    require(vmprof_reserve_trace(0, &aborted) == 0);
    file = begin_by_hand(thread, 100);
    vmprof_execute_code_enter(thread, outer, NULL);
    tick_at(machine_code + 3);
    memset(machine_code + 2 * PIECE, 0x90, PIECE);
    require(vmprof_move_trace(moved.id, machine_code + 2 * PIECE) == 0);
    tick_at(machine_code + 3);
    tick_at(machine_code + 2 * PIECE + 3);
    require(vmprof_unregister_trace(gone.id) == 0);
    later = register_loop(1);
    tick_at(machine_code + PIECE + 4);
    require(vmprof_abort_trace(aborted.id, outer, 4, "too long") == 0);
    require(vmprof_abort_trace(0, outer, 5, "not in a loop") == 0);
    finish_profile(file, &d);

    require_trace(&d, 0, moved.id, 3);
    require(leaf_of(&d, 1)->code == outer);
    require_trace(&d, 2, moved.id, 3);
    require_trace(&d, 3, later.id, 4);
    t = decoded_trace(&d, moved.id);
    require(t->fields.number[18] == (uintptr_t)machine_code + 2 * PIECE);
    require(t->code_size == PIECE && t->code[7] == 0x90);
    require(t->fields.number[32] == 0);
    t = decoded_trace(&d, gone.id);
    require(t->fields.number[30] == 1 && t->fields.number[34] > 0);
    require(t->fields.number[18] == (uintptr_t)machine_code + PIECE);
    t = decoded_trace(&d, later.id);
    require(t->fields.number[30] == 0 && t->fields.number[32] > 0);
    t = decoded_trace(&d, aborted.id);
    require(t->fields.number[30] == 2 && t->fields.number[2] == 0);
    require(t->fields.number[6] * 4 == outer && t->fields.number[10] == 4);
    require(strcmp(t->fields.string[3], "too long") == 0);
    require(d.trace_count == 5);
    t = &d.traces[4];
    require(t->id > later.id && t->fields.number[30] == 2);
    require(t->fields.number[10] == 5 && t->fields.number[32] > 0);
    decoded_free(&d);
}

static void
what_becomes_of_a_trace_is_told(void **state)
{
    (void)state;
    assert_int_equal(isolate(change_traces, 30), 0);
}

/* Machine code that is still run after the VM has given it up. */
static void
run_what_is_gone(void)
{
    const struct vmprof_reserved_trace gone = (attach(), register_loop(0));
    const struct decoded_trace *t;
    struct decoded d;
    int file;

    require(vmprof_unregister_trace(gone.id) == 0);
    file = begin_by_hand(thread, 100);
    vmprof_execute_code_enter(thread, outer, NULL);
    thread->trace = gone.id;
    tick_at(machine_code);
    tick_by_hand(thread);
    finish_profile(file, &d);
    require(d.trace_count == 1);
    require_trace(&d, 0, gone.id, -1);
    require_trace(&d, 1, gone.id, -1);
    t = decoded_trace(&d, gone.id);
    require(t->told == 1 && t->fields.number[30] == 1);
    require(t->fields.number[6] * 4 == outer);
    decoded_free(&d);
}

static void
a_trace_that_is_gone_keeps_its_name(void **state)
{
    (void)state;
    assert_int_equal(isolate(run_what_is_gone, 30), 0);
}

/* The child begins with all that is registered, and with a session of its own. */
static void
profile_in_a_child(void)
{
    const struct vmprof_reserved_trace loop = (attach(), register_loop(0));
    const int file = begin_by_hand(thread, 100);
    struct vmprof_reserved_trace gone = register_loop(1);
    struct decoded d;
    int status, own;
    pid_t child;

    vmprof_execute_code_enter(thread, outer, NULL);
    require(vmprof_unregister_trace(gone.id) == 0);
    child = fork();
    if (child == 0) {
        own = begin_by_hand(thread, 100);
        tick_at(machine_code + 9);
        finish_profile(own, &d);
        require(d.trace_count == 1);
        require_trace(&d, 0, loop.id, 9);
        _exit(0);
    }
    require(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    tick_at(machine_code + 8);
    finish_profile(file, &d);
    require(d.trace_count == 2);
    require_trace(&d, 0, loop.id, 8);
    decoded_free(&d);
}

static void
a_child_profiles_the_traces_of_its_parent(void **state)
{
    (void)state;
    skip_where_malloc_dies_in_fork();
    assert_int_equal(isolate(profile_in_a_child, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_becomes_of_a_trace_is_told),
        cmocka_unit_test(a_trace_that_is_gone_keeps_its_name),
        cmocka_unit_test(a_child_profiles_the_traces_of_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
