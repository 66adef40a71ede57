/* SPDX-License-Identifier: MIT */

/* Samples in compiled code: which trace they are of, and what the file knows of
 * it. */

#include "suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <vmprof/trace.h>

#include "by_hand.h"
#include "os/machine.h"

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

/* A tick that has interrupted an instruction. */
static void
tick_at(const void *address)
{
    ucontext_t context;

    require(getcontext(&context) == 0);
#if defined(__x86_64__)
    context.uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)address;
#elif defined(__aarch64__)
    context.uc_mcontext.pc = (uintptr_t)address;
#endif
    ((struct vmp_thread *)thread)->context = &context;
    tick_by_hand(thread);
    ((struct vmp_thread *)thread)->context = NULL;
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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_is_of_the_trace_that_its_instruction_is_of),
        cmocka_unit_test(the_file_has_all_that_was_told_of_a_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
