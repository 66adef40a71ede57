/* SPDX-License-Identifier: MIT */

/*
 * Nobody ever sees half a frame. Threads walk trees of calls: code c calls 2c
 * and 2c + 1 alone, and its position cell says c as well. Whatever is recorded,
 * by signals or by looks from outside, has to be a way down such a tree.
 */

#include "suite.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "format/format.h"
#include "profiled.h"

enum {
    LEVELS = 9,
    TREES = 40, /* one for each stack */
    SPREAD = 1 << (LEVELS + 1),
    CALLS = 300, /* of the kernel, after each walk */
};

static atomic_bool stopping;
static bool is_much_in_kernel;
static vmprof_code_id first_code;
static uintptr_t cells[SPREAD]; /* of jumps */

/* Ids are given in a row. */
static void
register_codes(void)
{
    first_code = code_named("tree");
    for (unsigned i = 1; i < TREES * SPREAD; i++)
        require(code_named("tree") == first_code + 4 * (uint64_t)i);
    for (unsigned c = 0; c < SPREAD; c++)
        cells[c] = c * 4;
}

static vmprof_code_id
code_of(unsigned tree, unsigned c)
{
    return first_code + 4 * ((uint64_t)tree * SPREAD + c);
}

static void
call_tree(struct vmprof_thread *thread, unsigned tree, unsigned c,
          uint64_t *random, unsigned *calls)
{
    uintptr_t position = c * 4;
    const vmprof_token token =
        vmprof_execute_code_enter(thread, code_of(tree, c), &position);

    ++*calls;
    while (c < 1 << LEVELS && draw(random) & 3) {
        /* Two more places in the same code. */
        __atomic_store_n(&position, c * 4 + draw(random) % 3, __ATOMIC_RELAXED);
        call_tree(thread, tree, 2 * c + (unsigned)(draw(random) >> 9 & 1),
                  random, calls);
    }
    vmprof_execute_code_leave(thread, token);
}

/* A call for each level, and then, as a rule, a jump past all of them. Their
 * cells are none of the C stack's: until the repair nothing may be read there.
 */
static void
jump_out(struct vmprof_thread *thread, unsigned c, uint64_t *random,
         jmp_buf top)
{
    const vmprof_token token =
        vmprof_execute_code_enter(thread, code_of(0, c), &cells[c]);

    if (c < 1 << LEVELS && draw(random) & 7)
        jump_out(thread, 2 * c + (unsigned)(draw(random) >> 9 & 1), random,
                 top);
    if (draw(random) & 3)
        longjmp(top, 1);
    vmprof_execute_code_leave(thread, token);
}

static void
jump_over(struct vmprof_thread *thread, uint64_t *random)
{
    const volatile vmprof_token token =
        vmprof_execute_code_enter(thread, code_of(0, 1), &cells[1]);
    jmp_buf top;

    if (!setjmp(top))
        jump_out(thread, 2, random, top);
    vmprof_execute_code_repair(thread, token);
    if (!setjmp(top))
        jump_out(thread, 3, random, top);
    vmprof_execute_code_leave(thread, token);
}

static void
run_calls(struct vmprof_thread *thread, uint64_t *random)
{
    unsigned calls = 0;

    while (calls < 2000)
        call_tree(thread, 0, 1, random, &calls);
}

static void
run_jumps(struct vmprof_thread *thread, uint64_t *random)
{
    for (unsigned i = 0; i < 200; i++)
        jump_over(thread, random);
}

/* Resume stacks on stacks, deeper than a sample can hold; each enters a frame
 * or two, so that there is something to see. */
static void
nest(struct vmprof_thread *thread, struct vmprof_stack *const *stacks,
     unsigned level, unsigned levels, uint64_t *random)
{
    unsigned calls = 0;
    uintptr_t position = 4;
    vmprof_token token;

    if (level > levels)
        return;
    require(vmprof_resume_stack(thread, stacks[level]) == 0);
    token = vmprof_execute_code_enter(thread, code_of(level, 1), &position);
    call_tree(thread, level, 2, random, &calls);
    nest(thread, stacks, level + 1, levels, random);
    call_tree(thread, level, 3, random, &calls);
    vmprof_execute_code_leave(thread, token);
    require(vmprof_yield_stack(thread) == 0);
}

static void
run_coroutines(struct vmprof_thread *thread, uint64_t *random)
{
    struct vmprof_stack *stacks[TREES];
    unsigned calls = 0;

    for (unsigned i = 1; i < TREES; i++)
        require(vmprof_new_stack(64, &stacks[i]) == 0);
    for (unsigned i = 0; i < 20; i++) {
        const unsigned levels = draw(random) % 8 ? 3 : TREES - 1;

        nest(thread, stacks, 1 + (unsigned)(draw(random) % 3), levels, random);
        call_tree(thread, 0, 1, random, &calls);
    }
    for (unsigned i = 1; i < TREES; i++)
        require(vmprof_free_stack(stacks[i]) == 0);
}

/* Nothing but switching, between frames that stay. */
static void
run_switches(struct vmprof_thread *thread, uint64_t *random)
{
    static uintptr_t position = 4, other = 8;
    struct vmprof_stack *stacks[4] = { NULL };

    for (unsigned i = 1; i < 4; i++) {
        require(vmprof_new_stack(64, &stacks[i]) == 0);
        require(vmprof_switch_stack(thread, stacks[i]) == 0);
        vmprof_execute_code_enter(thread, code_of(i, 1), &position);
    }
    for (unsigned i = 0; i < 3000; i++) {
        const unsigned to = 1 + (unsigned)(draw(random) >> 11) % 3;
        vmprof_token token;

        require(vmprof_switch_stack(thread, stacks[to]) == 0);
        token = vmprof_execute_code_enter(thread, code_of(to, 2), &other);
        vmprof_execute_code_leave(thread, token);
    }
    require(vmprof_switch_stack(thread, NULL) == 0);
    for (unsigned i = 1; i < 4; i++)
        require(vmprof_free_stack(stacks[i]) == 0);
}

/* A new way down each time, from whose end a generator is asked in a row. */
static void
run_generators(struct vmprof_thread *thread, uint64_t *random)
{
    struct vmprof_stack *generator;

    require(vmprof_new_stack(64, &generator) == 0);
    for (unsigned i = 0; i < 1000; i++) {
        const vmprof_token token =
            vmprof_execute_code_enter(thread, code_of(0, 1), &cells[1]);

        for (unsigned c = 2; c < 1 << LEVELS;
             c = 2 * c + (unsigned)(draw(random) >> 9 & 1))
            vmprof_execute_code_enter(thread, code_of(0, c), &cells[c]);
        for (unsigned j = 0; j < 5; j++) {
            require(vmprof_resume_stack(thread, generator) == 0);
            require(vmprof_yield_stack(thread) == 0);
        }
        vmprof_execute_code_leave(thread, token);
    }
    require(vmprof_free_stack(generator) == 0);
}

typedef void (*work_function)(struct vmprof_thread *thread, uint64_t *random);

static void
call_kernel(struct vmprof_thread *thread)
{
    const vmprof_token token =
        vmprof_execute_code_enter(thread, code_of(0, 1), &cells[1]);

    vmprof_execute_code_enter(thread, code_of(0, 2), &cells[2]);
    for (unsigned i = 0; i < CALLS; i++)
        syscall(SYS_getppid);
    vmprof_execute_code_leave(thread, token);
}

static void *
work(void *user)
{
    const work_function *const function = user;
    struct vmprof_thread *thread;
    uint64_t random = 2685821657736338717;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    while (!atomic_load(&stopping)) {
        (*function)(thread, &random);
        if (is_much_in_kernel)
            call_kernel(thread);
    }
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

/* Where a frame is in its tree, or that it is none. */
static void
check_frame(const struct decoded_frame *frame, unsigned *tree, unsigned *c)
{
    const uint64_t number = (frame->code - first_code) / 4;

    require(frame->code >= first_code);
    *tree = (unsigned)(number / SPREAD);
    *c = (unsigned)(number % SPREAD);
    require(*tree < TREES && *c >= 1);
    require(!frame->has_offset || frame->offset / 4 == *c);
}

static void
check_stack(const struct decoded *d, uint32_t node)
{
    uint32_t frames[1024];
    const size_t depth = decoded_stack(d, node, frames, LENGTH(frames));
    bool entered[TREES] = { false };
    unsigned tree_before = TREES, before = 0, tree, c;

    for (size_t i = 0; i < depth; i++) {
        if (frames[i] == 0) {
            require(i == 0);
            continue;
        }
        if (d->frames[frames[i]].kind == VMP_KIND_SYSTEM) {
            require(i == depth - 1);
            continue;
        }
        check_frame(&d->frames[frames[i]], &tree, &c);
        if (tree == tree_before) {
            require(c / 2 == before);
        } else {
            require(c == 1 && !entered[tree]);
            entered[tree] = true;
        }
        tree_before = tree;
        before = c;
    }
}

/* Places of the tree whose position is not known. */
static uint64_t
count_lacking(const struct decoded *d)
{
    bool *const has_gap = calloc(d->node_count, sizeof(*has_gap));
    uint64_t lacking = 0;

    require(has_gap != NULL);
    /* A gap that began and ended at two places is at neither. */
    for (size_t i = 1; i < d->node_count; i++)
        if (d->frames[d->nodes[i].frame].kind == VMP_KIND_SYSTEM)
            has_gap[d->nodes[i].parent] = true;
    for (size_t i = 1; i < d->node_count; i++)
        lacking += d->nodes[i].frame && !has_gap[i] &&
                   d->frames[d->nodes[i].frame].kind != VMP_KIND_SYSTEM &&
                   !d->frames[d->nodes[i].frame].has_offset;
    free(has_gap);
    return lacking;
}

static void
profile(work_function function, uint32_t mode, uint32_t clock, double interval)
{
    const int file = profile_file();
    struct vmprof_options options = profile_options(file, interval);
    struct decoded d;
    pthread_t threads[2];
    unsigned deep = 0;

    options.mode = mode;
    options.clock = clock;
    options.ring_size = 8 << 20;
    is_much_in_kernel = mode == VMPROF_MODE_CPU && clock == VMPROF_CLOCK_AUTO;
    register_codes();
    require(vmprof_enable_with(&options) == 0);
    for (unsigned i = 0; i < 2; i++)
        require(pthread_create(&threads[i], NULL, work, &function) == 0);
    require(wait_until(profile_stats().samples >= rounds(3000), 8000));
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    finish_profile(file, &d);
    for (size_t i = 0; i < d.sample_count; i++) {
        check_stack(&d, d.samples[i].node);
        deep += d.nodes[d.samples[i].node].parent != 0;
    }
    require(count_lacking(&d) <= profile_stats().locations_lost);
    require(function == run_switches || deep > d.sample_count / 4);
    decoded_free(&d);
}

#define BODY(name, function, mode, clock, interval)                            \
    static void name(void)                                                     \
    {                                                                          \
        profile(function, mode, clock, interval);                              \
    }

/* By both: on perf, where threads that are much in the kernel are looked at. */
BODY(calls_by_signal, run_calls, VMPROF_MODE_CPU, VMPROF_CLOCK_MONOTONIC,
     0.0001)
BODY(calls_by_both, run_calls, VMPROF_MODE_CPU, VMPROF_CLOCK_AUTO, 0.0001)
BODY(calls_by_looks, run_calls, VMPROF_MODE_WALL, VMPROF_CLOCK_AUTO, 0.00005)
BODY(jumps_by_signal, run_jumps, VMPROF_MODE_CPU, VMPROF_CLOCK_MONOTONIC,
     0.0001)
BODY(jumps_by_both, run_jumps, VMPROF_MODE_CPU, VMPROF_CLOCK_AUTO, 0.0001)
BODY(jumps_by_looks, run_jumps, VMPROF_MODE_WALL, VMPROF_CLOCK_AUTO, 0.00005)
BODY(coroutines_by_signal, run_coroutines, VMPROF_MODE_CPU,
     VMPROF_CLOCK_MONOTONIC, 0.0001)
BODY(coroutines_by_both, run_coroutines, VMPROF_MODE_CPU, VMPROF_CLOCK_AUTO,
     0.0001)
BODY(coroutines_by_looks, run_coroutines, VMPROF_MODE_WALL, VMPROF_CLOCK_AUTO,
     0.00005)
BODY(switches_by_signal, run_switches, VMPROF_MODE_CPU, VMPROF_CLOCK_MONOTONIC,
     0.0001)
BODY(switches_by_both, run_switches, VMPROF_MODE_CPU, VMPROF_CLOCK_AUTO, 0.0001)
BODY(switches_by_looks, run_switches, VMPROF_MODE_WALL, VMPROF_CLOCK_AUTO,
     0.00005)

BODY(generators_by_signal, run_generators, VMPROF_MODE_CPU,
     VMPROF_CLOCK_MONOTONIC, 0.0001)
BODY(generators_by_both, run_generators, VMPROF_MODE_CPU, VMPROF_CLOCK_AUTO,
     0.0001)
BODY(generators_by_looks, run_generators, VMPROF_MODE_WALL, VMPROF_CLOCK_AUTO,
     0.00005)

static void
a_signal_never_sees_half_a_frame(void **state)
{
    (void)state;
    assert_int_equal(isolate(calls_by_signal, 30), 0);
    assert_int_equal(isolate(calls_by_both, 30), 0);
}

static void
a_look_never_sees_half_a_frame(void **state)
{
    (void)state;
    assert_int_equal(isolate(calls_by_looks, 30), 0);
}

static void
jumps_past_many_frames_leave_no_trace(void **state)
{
    (void)state;
    assert_int_equal(isolate(jumps_by_signal, 30), 0);
    assert_int_equal(isolate(jumps_by_both, 30), 0);
    assert_int_equal(isolate(jumps_by_looks, 30), 0);
}

static void
nested_coroutines_are_whole_under_signals(void **state)
{
    (void)state;
    assert_int_equal(isolate(coroutines_by_signal, 30), 0);
    assert_int_equal(isolate(coroutines_by_both, 30), 0);
}

static void
nested_coroutines_are_whole_when_looked_at_and_freed(void **state)
{
    (void)state;
    assert_int_equal(isolate(coroutines_by_looks, 30), 0);
}

static void
stacks_switched_at_a_high_rate_are_never_mixed(void **state)
{
    (void)state;
    assert_int_equal(isolate(switches_by_signal, 30), 0);
    assert_int_equal(isolate(switches_by_both, 30), 0);
    assert_int_equal(isolate(switches_by_looks, 30), 0);
}

static void
a_look_that_was_given_up_leaves_nothing_to_the_next(void **state)
{
    (void)state;
    assert_int_equal(isolate(generators_by_signal, 30), 0);
    assert_int_equal(isolate(generators_by_both, 30), 0);
    assert_int_equal(isolate(generators_by_looks, 30), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_never_sees_half_a_frame),
        cmocka_unit_test(a_look_never_sees_half_a_frame),
        cmocka_unit_test(jumps_past_many_frames_leave_no_trace),
        cmocka_unit_test(nested_coroutines_are_whole_under_signals),
        cmocka_unit_test(nested_coroutines_are_whole_when_looked_at_and_freed),
        cmocka_unit_test(stacks_switched_at_a_high_rate_are_never_mixed),
        cmocka_unit_test(a_look_that_was_given_up_leaves_nothing_to_the_next),
    };

    return cmocka_run_group_tests_name("halves", tests, NULL, NULL);
}
