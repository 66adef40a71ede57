/* SPDX-License-Identifier: MIT */

/* Samples in compiled code: which trace they are of, and what the file knows of
 * it. */

#include "suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vmprof/trace.h>

#include "interrupted.h"

enum {
    PIECE = 256, /* of machine code, that each trace has */
    PIECES = 64,
    TRACE = 6, /* kind of frame */
};

static unsigned char machine_code[PIECES * PIECE];
static struct vmprof_thread *thread;
static vmprof_code_id outer;

static void
attach(void)
{
    require(vmprof_attach_thread(NULL, &thread) == 0);
    outer = code_named("outer");
}

static struct vmprof_trace
loop_in(unsigned piece)
{
    struct vmprof_trace trace;

    vmprof_trace_init(&trace);
    trace.kind = VMPROF_TRACE_LOOP;
    trace.address = machine_code + piece * PIECE;
    trace.length = PIECE;
    trace.code = outer;
    return trace;
}

static struct vmprof_reserved_trace
register_loop(unsigned piece)
{
    const struct vmprof_trace trace = loop_in(piece);
    struct vmprof_reserved_trace reserved;

    require(vmprof_reserve_trace(0, &reserved) == 0);
    require(vmprof_register_trace(reserved.id, &trace) == 0);
    return reserved;
}

static void
tick_at(const void *address)
{
    tick_interrupted(thread, address);
}

static const struct decoded_frame *
leaf_of(const struct decoded *d, size_t sample)
{
    require(sample < d->sample_count);
    return &d->frames[d->nodes[d->samples[sample].node].frame];
}

/* The innermost frame of a sample is a trace's, at an offset or -1, and the
 * next is the VM's. */
static void
require_trace(const struct decoded *d, size_t sample, vmprof_jit_id id,
              int64_t offset)
{
    const struct decoded_frame *const leaf = leaf_of(d, sample);
    uint32_t frames[4];

    require(leaf->kind == TRACE);
    require(leaf->code / 4 == id);
    require(leaf->has_offset == (offset >= 0));
    require(leaf->offset == (offset >= 0 ? (uint64_t)offset : 0));
    require(d->samples[sample].phase == VMPROF_PHASE_COMPILED);
    require(decoded_stack(d, d->samples[sample].node, frames, 4) == 2);
    require(d->frames[frames[0]].code == outer);
    require(decoded_trace(d, id) != NULL);
}

static void
tick_in_and_beside_traces(void)
{
    struct vmprof_reserved_trace first, second;
    struct decoded d;
    int file;

    attach();
    first = register_loop(0);
    file = begin_by_hand(thread, 100);
    vmprof_execute_code_enter(thread, outer, NULL);
    second = register_loop(2);
    tick_at(machine_code);                  /* 0: the first instruction */
    tick_at(machine_code + PIECE - 1);      /* 1: the last byte */
    tick_at(machine_code + PIECE);          /* 2: none */
    tick_at(machine_code + 2 * PIECE + 17); /* 3 */
    thread->trace = first.id;
    tick_at(machine_code + 2 * PIECE + 18); /* 4: the address is stronger */
    tick_at(&d);                            /* 5: in a function that it calls */
    tick_by_hand(thread);                   /* 6: likewise */
    thread->trace = 1 << 24;
    tick_at(&d); /* 7: no trace */
    thread->trace = second.id + 1;
    tick_at(&d); /* 8: one that nobody knows */
    thread->trace = 0;
    finish_profile(file, &d);

    require(d.sample_count == 9);
    require_trace(&d, 0, first.id, 0);
    require_trace(&d, 1, first.id, PIECE - 1);
    require_trace(&d, 3, second.id, 17);
    require_trace(&d, 4, second.id, 18);
    require_trace(&d, 5, first.id, -1);
    require_trace(&d, 6, first.id, -1);
    for (size_t i = 2; i < 9; i += i == 2 ? 5 : 1) {
        require(leaf_of(&d, i)->code == outer);
        require(leaf_of(&d, i)->kind == VMPROF_KIND_CODE);
    }
    require(d.samples[2].phase == VMPROF_PHASE_INTERPRETING);
    decoded_free(&d);
}

static void
a_sample_is_of_the_trace_that_its_instruction_is_of(void **state)
{
    (void)state;
    assert_int_equal(isolate(tick_in_and_beside_traces, 30), 0);
}

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

/* Other phases are the VM's own. */
static void
tick_in_phases(void)
{
    const struct vmprof_reserved_trace loop = (attach(), register_loop(0));
    struct decoded d;
    int file;

    file = begin_by_hand(thread, 100);
    vmprof_execute_code_enter(thread, outer, NULL);
    for (unsigned phase = 0; phase <= VMPROF_PHASE_NATIVE; phase++) {
        vmprof_set_phase(thread, (enum vmprof_phase)phase);
        thread->trace = loop.id;
        tick_by_hand(thread);
        thread->trace = 0;
        tick_by_hand(thread);
    }
    finish_profile(file, &d);
    require(d.sample_count == 2 * (VMPROF_PHASE_NATIVE + 1));
    for (size_t i = 0; i < d.sample_count; i++) {
        const uint32_t phase = (uint32_t)(i / 2);

        require(d.samples[i].phase ==
                (phase == 0 && i % 2 == 0 ? VMPROF_PHASE_COMPILED : phase));
    }
    decoded_free(&d);
}

static void
compiled_code_is_the_phase_unless_the_vm_says_another(void **state)
{
    (void)state;
    assert_int_equal(isolate(tick_in_phases, 30), 0);
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

static bool answers_at_once;

static void
ask(struct vmprof_thread *whom, void *user)
{
    const struct vmprof_walked_frame frame = { .code = outer, .kind = 1 };

    (void)user;
    if (answers_at_once)
        require(vmprof_sample_stack(whom, &frame, 1, 0) == 1);
}

static size_t
read_one(struct vmprof_thread *whom, void *context,
         struct vmprof_linked_frame *frames, size_t room, size_t *cut,
         void *user)
{
    (void)whom;
    (void)context;
    (void)room;
    (void)cut;
    (void)user;
    frames[0] = (struct vmprof_linked_frame){ .code = outer };
    return 1;
}

/* A VM that is walked has left the trace when it answers. */
static void
tick_with_own_frames(void)
{
    const struct vmprof_reserved_trace loop = (attach(), register_loop(0)),
                                       other = register_loop(1);
    const struct vmprof_walked_frame frame = { .code = outer, .kind = 1 };
    struct decoded d;
    int file;

    require(vmprof_request_sample(thread, ask, NULL) == 0);
    file = begin_by_hand(thread, 100);
    tick_at(machine_code + 5);
    thread->trace = other.id;
    tick_by_hand(thread); /* it has been asked */
    thread->trace = 0;
    require(vmprof_sample_stack(thread, &frame, 1, 0) == 1);
    answers_at_once = true;
    thread->trace = other.id;
    tick_by_hand(thread);
    require(vmprof_read_frames(thread, read_one, NULL) == 0);
    stop_clock(thread);
    tick_by_hand(thread);
    tick_at(machine_code + 6);
    thread->trace = 0;
    tick_by_hand(thread);
    finish_profile(file, &d);
    require(d.sample_count == 5);
    require_trace(&d, 0, loop.id, 5);
    require_trace(&d, 1, other.id, -1);
    require_trace(&d, 2, other.id, -1);
    require_trace(&d, 3, loop.id, 6);
    require(leaf_of(&d, 4)->code == outer);
    decoded_free(&d);
}

static void
vms_with_frames_of_their_own_have_traces_too(void **state)
{
    (void)state;
    assert_int_equal(isolate(tick_with_own_frames, 30), 0);
}

/* By looks from outside and at polls only what the VM says is known. */
static void
sample_by(bool observed)
{
    const struct vmprof_reserved_trace loop = (attach(), register_loop(0));
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, 0.001);
    struct decoded d;

    if (observed)
        options.clock = VMPROF_CLOCK_OBSERVER;
    /* Before the first sample. */
    vmprof_execute_code_enter(thread, outer, NULL);
    thread->trace = loop.id;
    require(vmprof_enable_with(&options) == 0);
    if (observed)
        require(burn_until(profile_stats().samples >= 5, 20000));
    else
        for (int64_t until = now_ms() + patience(20000);
             profile_stats().polled < 5 && now_ms() < until;)
            for (unsigned i = 0; i < 1000; i++)
                vmprof_poll(thread);
    require(observed || profile_stats().polled >= 5);
    finish_profile(file, &d);
    require(d.sample_count >= 5);
    for (size_t i = 0; i < d.sample_count; i++)
        if (!is_gap(&d, &d.samples[i]))
            require_trace(&d, i, loop.id, -1);
    decoded_free(&d);
}

static void
sample_by_looks(void)
{
    sample_by(true);
}

static void
sample_at_polls(void)
{
    sample_by(false);
}

static void
looks_and_polls_see_the_current_trace(void **state)
{
    (void)state;
    assert_int_equal(isolate(sample_by_looks, 60), 0);
    assert_int_equal(isolate(sample_at_polls, 60), 0);
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
    assert_int_equal(isolate(profile_in_a_child, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_of_the_trace_that_its_instruction_is_of),
        cmocka_unit_test(the_file_has_all_that_was_told_of_a_trace),
        cmocka_unit_test(what_becomes_of_a_trace_is_told),
        cmocka_unit_test(a_trace_that_is_gone_keeps_its_name),
        cmocka_unit_test(compiled_code_is_the_phase_unless_the_vm_says_another),
        cmocka_unit_test(long_lists_are_whole),
        cmocka_unit_test(a_trace_can_be_registered_anew),
        cmocka_unit_test(vms_with_frames_of_their_own_have_traces_too),
        cmocka_unit_test(looks_and_polls_see_the_current_trace),
        cmocka_unit_test(counts_are_written_as_they_change),
        cmocka_unit_test(a_child_profiles_the_traces_of_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
