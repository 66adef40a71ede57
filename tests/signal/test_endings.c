/* SPDX-License-Identifier: MIT */

/* Threads that end in the middle of things. */

#include "suite.h"

#include <pthread.h>
#include <stdatomic.h>

#include "profiled.h"

static vmprof_code_id code;
static atomic_uint done;

static void *
attach_and_detach(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    for (;;) {
        require(vmprof_attach_thread(NULL, &thread) == 0);
        for (unsigned i = 0; i < 20000; i++)
            vmprof_execute_code_leave(
                thread, vmprof_execute_code_enter(thread, code, NULL));
        require(vmprof_detach_thread(thread) == 0);
        atomic_fetch_add(&done, 1);
        pthread_testcancel();
    }
    return NULL;
}

static void *
attach_and_call(void *user)
{
    struct vmprof_thread *thread;
    int before;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    /* Only enter and leave may be cancelled at any instruction. */
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &before);
    for (;;) {
        const vmprof_token outer =
            vmprof_execute_code_enter(thread, code, NULL);
        vmprof_execute_code_enter(thread, code, NULL);
        vmprof_execute_code_leave(thread, outer);
        atomic_fetch_add_explicit(&done, 1, memory_order_relaxed);
    }
    return NULL;
}

static void *
attach_and_exit(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (unsigned i = 0; i < 30; i++)
        vmprof_execute_code_enter(thread, code, NULL);
    burn_cpu_ms(1);
    atomic_fetch_add(&done, 1);
    pthread_exit(NULL);
}

/* A lock that a thread took with it would stop this at the next round. */
static void
end_threads(void *(*body)(void *), bool by_cancelling)
{
    const int file = profile_file();
    uint64_t dice = 7;
    struct decoded d;

    code = code_named("ending");
    require(vmprof_enable(file, 0.0001) == 0);
    for (unsigned i = 0; i < rounds(400); i++) {
        pthread_t thread;
        void *result;

        atomic_store(&done, 0);
        require(pthread_create(&thread, NULL, body, NULL) == 0);
        require(wait_until(atomic_load(&done) > 0, 5000));
        for (volatile uint64_t wait = draw(&dice) % 100000; wait; wait--)
            ;
        require(!by_cancelling || pthread_cancel(thread) == 0);
        require(pthread_join(thread, &result) == 0);
        require(result == (by_cancelling ? PTHREAD_CANCELED : NULL));
    }
    finish_profile(file, &d);
    require(profile_stats().threads == 0);
    require(d.sample_count > 0);
    decoded_free(&d);
}

static void
cancel_politely(void)
{
    end_threads(attach_and_detach, true);
}

static void
cancel_at_any_instruction(void)
{
    end_threads(attach_and_call, true);
}

static void
exit_deep_inside(void)
{
    end_threads(attach_and_exit, false);
}

/* It marks the stack of a thread that is unwound as out of bounds still. */
#ifdef __SANITIZE_ADDRESS__
#    define skip_where_cancelling_is_misread()                                 \
        skip_because("AddressSanitizer takes a cancelled thread's end amiss")
#else
#    define skip_where_cancelling_is_misread() ((void)0)
#endif

static void
threads_that_are_cancelled_take_no_lock_with_them(void **state)
{
    (void)state;
    skip_where_cancelling_is_misread();
    assert_int_equal(isolate(cancel_politely, 60), 0);
}

static void
threads_that_are_cancelled_anywhere_leave_whole_accounts(void **state)
{
    (void)state;
    skip_where_cancelling_is_misread();
    assert_int_equal(isolate(cancel_at_any_instruction, 60), 0);
}

static void
threads_that_exit_with_frames_leave_whole_accounts(void **state)
{
    (void)state;
    skip_where_cancelling_is_misread();
    assert_int_equal(isolate(exit_deep_inside, 60), 0);
}

static void *
disable_while_cancelled(void *user)
{
    require(pthread_cancel(pthread_self()) == 0);
    require(vmprof_disable() == 0);
    atomic_fetch_add(&done, 1);
    pthread_testcancel();
    return user;
}

static void
cancelled_sessions(void)
{
    for (unsigned i = 0; i < 20; i++) {
        const int file = profile_file();
        pthread_t thread;

        require(vmprof_enable(file, 0.001) == 0);
        require(pthread_create(&thread, NULL, disable_while_cancelled, NULL) ==
                0);
        require(pthread_join(thread, NULL) == 0);
        require(!profile_stats().enabled);
        close(file);
    }
    require(atomic_load(&done) == 20);
}

static void
a_session_ends_whole_on_a_thread_that_is_cancelled(void **state)
{
    (void)state;
    skip_where_cancelling_is_misread();
    assert_int_equal(isolate(cancelled_sessions, 60), 0);
}

/* The VM's own data of a thread, finalized by code of its language. */
static pthread_key_t keys[2];

static void
finalize(void *head)
{
    struct vmprof_thread *const thread = head;

    require(vmprof_current_thread() == thread);
    vmprof_execute_code_leave(thread,
                              vmprof_execute_code_enter(thread, code, NULL));
    atomic_fetch_add(&done, 1);
}

static void *
attach_with_finalizers(void *user)
{
    struct vmprof_thread *thread;

    (void)user;
    require(vmprof_attach_thread(NULL, &thread) == 0);
    /* One key from before the library's, one from after it. */
    if (!keys[1])
        require(pthread_key_create(&keys[1], finalize) == 0);
    for (unsigned i = 0; i < 2; i++)
        require(pthread_setspecific(keys[i], thread) == 0);
    vmprof_execute_code_enter(thread, code, NULL);
    burn_cpu_ms(1);
    return NULL;
}

static void
finalize_threads(void)
{
    const int file = profile_file();
    struct decoded d;

    code = code_named("finalizer");
    require(pthread_key_create(&keys[0], finalize) == 0);
    require(vmprof_enable(file, 0.0001) == 0);
    for (unsigned i = 0; i < 50; i++) {
        pthread_t thread;

        require(pthread_create(&thread, NULL, attach_with_finalizers, NULL) ==
                0);
        require(pthread_join(thread, NULL) == 0);
    }
    require(atomic_load(&done) == 100);
    require(profile_stats().threads == 0);
    finish_profile(file, &d);
    decoded_free(&d);
}

static void
destructors_of_a_vm_may_still_run_its_code(void **state)
{
    (void)state;
    assert_int_equal(isolate(finalize_threads, 60), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_are_cancelled_take_no_lock_with_them),
        cmocka_unit_test(
            threads_that_are_cancelled_anywhere_leave_whole_accounts),
        cmocka_unit_test(threads_that_exit_with_frames_leave_whole_accounts),
        cmocka_unit_test(a_session_ends_whole_on_a_thread_that_is_cancelled),
        cmocka_unit_test(destructors_of_a_vm_may_still_run_its_code),
    };

    return cmocka_run_group_tests_name("endings", tests, NULL, NULL);
}
