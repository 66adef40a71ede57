/* SPDX-License-Identifier: MIT */

/* Counting that is switched, read and begun by other threads. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "counting.h"

static void *
ask_unattached(void *unused)
{
    (void)unused;
    return (void *)(intptr_t)vmprof_set_profile_interp(1);
}

static void
a_thread_that_is_not_attached_cannot_be_switched(void **state)
{
    (void)state;
    pthread_t thread;
    void *result;

    pthread_create(&thread, NULL, ask_unattached, NULL);
    pthread_join(thread, &result);
    assert_int_equal((intptr_t)result, -ESRCH);
}

/* Another thread, which runs bytecode of its own until it is told to stop. */
struct runner {
    vmprof_code_id code;
    bool looks_at_flag; /* it only counts while that is to be done */
    atomic_bool stop, ready;
    _Atomic uint64_t run; /* bytecodes, about */
    _Atomic uint64_t counting_at_start;
};

static void *
run_until_told(void *user)
{
    struct runner *const r = user;
    struct vmprof_thread *thread;
    int64_t countdown;
    uint64_t run_now = 0;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    r->counting_at_start = vmprof_counting(thread);
    countdown = thread->bytecode_countdown;
    atomic_store(&r->ready, true);
    while (!atomic_load_explicit(&r->stop, memory_order_relaxed)) {
        if (!r->looks_at_flag || vmprof_counting(thread))
            countdown = vmprof_count_bytecode_kept(thread, countdown, r->code,
                                                   7, OPCODE_PLAIN, NULL);
        atomic_store_explicit(&r->run, ++run_now, memory_order_relaxed);
    }
    thread->bytecode_countdown = countdown;
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static uint64_t
hits_so_far(vmprof_code_id code)
{
    struct vmprof_type_profile *const profile = take_profile();
    const uint64_t hits = find_row(profile, code, 7).hits;

    vmprof_free_type_profile(profile);
    return hits;
}

static void
threads_are_switched_from_outside_while_they_run(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);

    for (unsigned i = 0; i < 2; i++) {
        struct runner runner = { .code = code, .looks_at_flag = i };
        pthread_t thread;

        bytecodes_reset();
        pthread_create(&thread, NULL, run_until_told, &runner);
        assert_true(wait_until(atomic_load(&runner.run) > 50000, 10000));
        assert_int_equal(runner.counting_at_start, 0);
        assert_int_equal(hits_so_far(code), 0);
        vmprof_set_profile_interp_all(1);
        /* A frame that never ends shows its hits. */
        for (unsigned times = 0; times < 3; times++)
            assert_true(wait_until(hits_so_far(code) > 0, 10000));
        vmprof_set_profile_interp_all(0);
        const uint64_t then = atomic_load(&runner.run);
        assert_true(wait_until(
            atomic_load(&runner.run) > then + 2 * VMPROF_COUNT_MOST, 10000));
        hits_so_far(code);
        const uint64_t later = atomic_load(&runner.run);
        assert_true(
            wait_until(atomic_load(&runner.run) > later + 50000, 10000));
        assert_int_equal(hits_so_far(code), 0);
        atomic_store(&runner.stop, true);
        pthread_join(thread, NULL);
    }
    vmprof_forget_code(code);
}

static void
a_new_thread_is_as_all_are(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_code_id code = register_object(&object, NULL);
    struct runner runner = { .code = code, .looks_at_flag = true };
    pthread_t thread;

    bytecodes_reset();
    vmprof_set_profile_interp_all(1);
    pthread_create(&thread, NULL, run_until_told, &runner);
    assert_true(wait_until(hits_so_far(code) > 0, 10000));
    atomic_store(&runner.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(runner.counting_at_start, VMPROF_COUNTING);
    bytecodes_reset();
    vmprof_forget_code(code);
}

struct counter {
    vmprof_code_id code;
    uint64_t count;
    const vmprof_type_id *types; /* four */
};

static void *
count_all(void *user)
{
    const struct counter *const c = user;
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (uint64_t i = 0; i < c->count; i++)
        vmprof_count_bytecode(thread, c->code, i % 50,
                              i % 3 ? OPCODE_ONE : OPCODE_PLAIN,
                              &c->types[i % 4]);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

static void
no_hit_is_in_two_results_or_in_none(void **state)
{
    (void)state;
    struct object object = { 0 };
    const vmprof_type_id types[] = { register_type("a"), register_type("b"),
                                     register_type("c"), 0 };
    struct counter c = { register_object(&object, NULL),
                         rounds(2000) * UINT64_C(1000), types };
    uint64_t hits = 0, typed = 0, readings = 0;
    pthread_t threads[3];

    bytecodes_reset();
    vmprof_set_profile_interp_all(1);
    for (unsigned i = 0; i < LENGTH(threads); i++)
        pthread_create(&threads[i], NULL, count_all, &c);
    while (hits < LENGTH(threads) * c.count && ++readings) {
        struct vmprof_type_profile *const profile = take_profile();
        const uint64_t rows = profile_info(profile).rows;
        uint64_t sum = 0;

        for (uint64_t i = 0; i < rows; i++) {
            const struct vmprof_type_row row = profile_row(profile, i);

            sum += row.hits;
            typed += row.typed;
            assert_int_equal(row.other, 0);
        }
        assert_int_equal(sum, profile_info(profile).hits);
        hits += sum;
        vmprof_free_type_profile(profile);
    }
    for (unsigned i = 0; i < LENGTH(threads); i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(hits, LENGTH(threads) * c.count);
    assert_int_equal(typed, LENGTH(threads) * (c.count - (c.count + 2) / 3));
    assert_true(readings > 1);
    bytecodes_reset();
    vmprof_forget_code(c.code);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_that_is_not_attached_cannot_be_switched),
        cmocka_unit_test(threads_are_switched_from_outside_while_they_run),
        cmocka_unit_test(a_new_thread_is_as_all_are),
        cmocka_unit_test(no_hit_is_in_two_results_or_in_none),
    };

    return cmocka_run_group_tests_name("interp_threads", tests, set_up,
                                       tear_down);
}
