/* SPDX-License-Identifier: MIT */

/* Who called whom, from events with a known answer. */

#include "layered.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static struct vmprof_layer *
start(void)
{
    struct vmprof_layer *layer;

    assert_int_equal(vmprof_new_call_graph(NULL, &layer), 0);
    return layer;
}

static void
expect(struct vmprof_layer *layer, const char *calls)
{
    assert_string_equal(calls_of(layer), calls);
}

static void
each_call_is_counted_for_who_made_it(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();

    run_on(self, "ABC)CC)C)BC)C)A");
    expect(layer, "-A1 *A1 AB1 *B1 AC1 BC2 *C3 ");
    assert_int_equal(info_of(layer).unmatched, 0);
    assert_int_equal(info_of(layer).abandoned, 0);
    vmprof_free_layer(layer);
}

static void
recursion_and_functions_of_c_are_calls(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();

    run_on(self, "AAAc)cc!c)A)Ac)c)A");
    expect(layer, "-A1 AA2 *A3 AC3 *C3 ");
    assert_int_equal(info_of(layer).abandoned, 0);
    vmprof_free_layer(layer);
}

static void
calls_of_c_can_be_left_out(void **state)
{
    (void)state;
    struct vmprof_layer_options options;
    struct vmprof_layer *layer;

    vmprof_layer_options_init(&options);
    options.events = VMPROF_EVENT_BIT(VMPROF_EVENT_CALL) |
                     VMPROF_EVENT_BIT(VMPROF_EVENT_RETURN);
    assert_int_equal(vmprof_new_call_graph(&options, &layer), 0);
    run_on(self, "Ac)c)A");
    expect(layer, "-A1 *A1 ");
    vmprof_free_layer(layer);
}

static void
an_exception_ends_each_function_that_it_leaves(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();

    run_on(self, "ABC!C!BD)D)A");
    expect(layer, "-A1 *A1 AB1 *B1 BC1 *C1 AD1 *D1 ");
    vmprof_free_layer(layer);
}

static void
a_function_that_nobody_tells_the_end_of_ends_with_its_caller(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();

    run_on(self, "ABCD)BE)E)A");
    expect(layer, "-A1 *A1 AB1 *B1 BC1 *C1 CD1 *D1 AE1 *E1 ");
    assert_int_equal(info_of(layer).abandoned, 2);
    assert_int_equal(info_of(layer).unmatched, 0);
    vmprof_free_layer(layer);
}

static void
what_ran_before_the_layer_has_not_been_called(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();

    run_on(self, "C)C)BD)D)A");
    expect(layer, "-C1 *C1 -D1 *D1 ");
    assert_int_equal(info_of(layer).unmatched, 2);
    vmprof_free_layer(layer);
}

/* Generator G is made by A and gone on with by A and B. */
static void
a_generator_that_goes_on_is_no_call(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();

    run_on(self, "AG~G^G~GB^GC)C~G)B&G!G)A");
    expect(layer, "-A1 *A1 AB1 *B1 GC1 *C1 AG1+2 BG0+1 *G1+3 ");
    assert_int_equal(info_of(layer).abandoned, 0);
    vmprof_free_layer(layer);
}

/* Of two that run through each other, as frames tell. */
static void
calls_of_one_code_are_told_apart_by_their_frames(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();
    struct vmprof_event event = { .kind = VMPROF_EVENT_CALL,
                                  .code = code_of('A') };
    int frames[3];

    for (int i = 0; i < 3; i++) {
        event.frame = &frames[i];
        fire_event(self, &event);
    }
    /* A jump out of the two inner ones is told of by none but the third. */
    event.kind = VMPROF_EVENT_RETURN;
    event.frame = &frames[0];
    fire_event(self, &event);
    assert_int_equal(info_of(layer).abandoned, 2);
    run_on(self, "B");
    expect(layer, "-A1 AA2 *A3 -B1 *B1 ");
    vmprof_free_layer(layer);
}

/* A coroutine yields out of a function that its own body called. */
static void
a_coroutine_on_a_stack_of_its_own_goes_on_where_it_was(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();
    struct vmprof_stack *stack;

    assert_int_equal(vmprof_new_stack(0, &stack), 0);
    run_on(self, "A");
    assert_int_equal(vmprof_resume_stack(self, stack), 0);
    run_on(self, "GH~H");
    assert_int_equal(vmprof_yield_stack(self), 0);
    run_on(self, "B");
    assert_int_equal(vmprof_resume_stack(self, stack), 0);
    run_on(self, "^HC)C)HD)D~G");
    assert_int_equal(vmprof_yield_stack(self), 0);
    run_on(self, "C)C)B)A");
    assert_int_equal(vmprof_free_stack(stack), 0);
    expect(layer, "-A1 *A1 AB1 *B1 BC1 HC1 *C2 GD1 *D1 AG1 *G1 GH1+1 *H1+1 ");
    assert_int_equal(info_of(layer).unmatched, 0);
    assert_int_equal(info_of(layer).abandoned, 0);
    vmprof_free_layer(layer);
}

enum {
    THREADS = 4,
    ROUNDS = 20000,
};

static void *
call_often(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (int i = 0; i < ROUNDS; i++)
        run_on(thread, i % 2 ? "AB)B)A" : "AC!C)A");
    vmprof_detach_thread(thread);
    return NULL;
}

static void
run_threads(void)
{
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, NULL),
                         0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void
threads_are_told_apart_and_added_up(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();
    uint64_t rows;

    run_threads();
    expect(layer, "-A80000 *A80000 AB40000 *B40000 AC40000 *C40000 ");
    /* Those that come next use what is there. */
    rows = info_of(layer).rows;
    run_on(self, "AB)B)A");
    assert_true(info_of(layer).rows <= rows + 6);
    assert_int_equal(info_of(layer).unmatched, 0);
    vmprof_free_layer(layer);
}

static void
let_pass(uint64_t ns)
{
    struct timespec now;
    uint64_t until;

    clock_gettime(CLOCK_MONOTONIC, &now);
    until = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec + ns;
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec < until);
}

struct times {
    struct vmprof_call found[LETTERS]; /* of all callers, by callee */
};

static int
note_times(void *user, const struct vmprof_call *call)
{
    struct times *const times = user;

    if (call->caller == VMPROF_ANY_CALLER)
        times->found[letter_of(call->callee) - 'A'] = *call;
    return 0;
}

/* A 2 ms, B 1 ms, A again inside of B 1 ms. */
static void
time_is_that_of_what_runs_and_recursion_counts_once(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();
    struct times times = { 0 };
    const struct vmprof_call *const a = &times.found[0], *b = &times.found[1];
    const uint64_t ms = 1000000;

    run_on(self, "A");
    let_pass(ms);
    run_on(self, "B");
    let_pass(ms);
    run_on(self, "A");
    let_pass(ms);
    run_on(self, ")A)B");
    let_pass(ms);
    run_on(self, ")A");
    assert_int_equal(vmprof_each_call(layer, note_times, &times), 0);
    assert_true(a->self_ns >= 3 * ms);
    assert_true(b->self_ns >= ms);
    /* Whatever the machine does in between: the parts are the whole. */
    assert_int_equal(a->inclusive_ns, a->self_ns + b->self_ns);
    assert_true(b->inclusive_ns >= 2 * ms);
    assert_true(b->inclusive_ns < a->inclusive_ns);
    vmprof_free_layer(layer);
}

static void
a_stack_that_waits_takes_no_time(void **state)
{
    (void)state;
    struct vmprof_layer *const layer = start();
    struct times times = { 0 };
    const struct vmprof_call *const a = &times.found[0], *g = &times.found[6];
    struct vmprof_stack *stack;
    const uint64_t ms = 1000000;

    assert_int_equal(vmprof_new_stack(0, &stack), 0);
    run_on(self, "A");
    assert_int_equal(vmprof_resume_stack(self, stack), 0);
    run_on(self, "GH~H");
    assert_int_equal(vmprof_yield_stack(self), 0);
    run_on(self, "B");
    let_pass(5 * ms);
    run_on(self, ")B");
    assert_int_equal(vmprof_resume_stack(self, stack), 0);
    run_on(self, "^H)H)G");
    assert_int_equal(vmprof_yield_stack(self), 0);
    run_on(self, ")A");
    assert_int_equal(vmprof_free_stack(stack), 0);
    assert_int_equal(vmprof_each_call(layer, note_times, &times), 0);
    assert_true(a->inclusive_ns >= 5 * ms);
    assert_true(a->inclusive_ns - g->inclusive_ns >= 5 * ms);
    vmprof_free_layer(layer);
}

static void
without_times_the_counts_are_the_same(void **state)
{
    (void)state;
    struct vmprof_layer_options options;
    struct times times = { 0 };
    struct vmprof_layer *layer;

    vmprof_layer_options_init(&options);
    options.no_times = 1;
    assert_int_equal(vmprof_new_call_graph(&options, &layer), 0);
    run_on(self, "AB)BB)B)A");
    expect(layer, "-A1 *A1 AB2 *B2 ");
    assert_int_equal(vmprof_each_call(layer, note_times, &times), 0);
    assert_int_equal(times.found[0].inclusive_ns, 0);
    vmprof_free_layer(layer);
}

static void
what_has_no_room_is_counted_and_callers_stay_right(void **state)
{
    (void)state;
    struct vmprof_layer_options options;
    struct vmprof_layer *layer;

    vmprof_layer_options_init(&options);
    options.most = 2;
    options.no_times = 1;
    assert_int_equal(vmprof_new_call_graph(&options, &layer), 0);
    run_on(self, "ABC)CC)C)BB)B)A");
    expect(layer, "-A1 *A1 AB2 *B2 ");
    assert_int_equal(info_of(layer).lost, 2);
    assert_int_equal(info_of(layer).rows, 2);
    vmprof_free_layer(layer);
}

static void
a_stack_too_deep_is_counted_and_found_again(void **state)
{
    (void)state;
    struct vmprof_layer_options options;
    struct vmprof_layer *layer;
    const int depth = (1 << 18) + 10;

    vmprof_layer_options_init(&options);
    options.no_times = 1;
    assert_int_equal(vmprof_new_call_graph(&options, &layer), 0);
    run_on(self, "A");
    for (int i = 0; i < depth; i++)
        run_on(self, "B");
    for (int i = 0; i < depth; i++)
        run_on(self, ")B");
    run_on(self, "C)C)A");
    assert_int_equal(info_of(layer).lost, 11);
    assert_int_equal(info_of(layer).unmatched, 0);
    expect(layer, "-A1 *A1 AB1 BB262153 *B262154 AC1 *C1 ");
    vmprof_free_layer(layer);
}

/* More coroutines than are kept wait: the last ones are still right. */
static void
of_many_stacks_those_that_wait_longest_are_let_go(void **state)
{
    enum {
        STACKS = 5000,
    };
    (void)state;
    static struct vmprof_stack *stacks[STACKS];
    struct vmprof_layer *const layer = start();

    run_on(self, "A");
    for (int i = 0; i < STACKS; i++) {
        assert_int_equal(vmprof_new_stack(8, &stacks[i]), 0);
        assert_int_equal(vmprof_resume_stack(self, stacks[i]), 0);
        run_on(self, "GH~H");
        assert_int_equal(vmprof_yield_stack(self), 0);
        run_on(self, "B)B");
    }
    for (int i = STACKS; i--;) {
        assert_int_equal(vmprof_resume_stack(self, stacks[i]), 0);
        run_on(self, "^H)H)G");
        assert_int_equal(vmprof_yield_stack(self), 0);
        assert_int_equal(vmprof_free_stack(stacks[i]), 0);
        if (i > STACKS - 4000)
            assert_int_equal(info_of(layer).unmatched, 0);
    }
    run_on(self, ")A");
    assert_int_equal(info_of(layer).abandoned, 0);
    vmprof_free_layer(layer);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_call_is_counted_for_who_made_it),
        TEST(recursion_and_functions_of_c_are_calls),
        TEST(calls_of_c_can_be_left_out),
        TEST(an_exception_ends_each_function_that_it_leaves),
        TEST(a_function_that_nobody_tells_the_end_of_ends_with_its_caller),
        TEST(what_ran_before_the_layer_has_not_been_called),
        TEST(a_generator_that_goes_on_is_no_call),
        TEST(calls_of_one_code_are_told_apart_by_their_frames),
        TEST(a_coroutine_on_a_stack_of_its_own_goes_on_where_it_was),
        TEST(threads_are_told_apart_and_added_up),
        TEST(time_is_that_of_what_runs_and_recursion_counts_once),
        TEST(a_stack_that_waits_takes_no_time),
        TEST(without_times_the_counts_are_the_same),
        TEST(what_has_no_room_is_counted_and_callers_stay_right),
        TEST(a_stack_too_deep_is_counted_and_found_again),
        TEST(of_many_stacks_those_that_wait_longest_are_let_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
