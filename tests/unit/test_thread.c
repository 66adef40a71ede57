/* SPDX-License-Identifier: MIT */

/* Records of threads: what their end leaves, and what is counted of them. */

#include "suite.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmprof/vmprof.h>

#include "isolate.h"
#include "record/brief.h"
#include "record/session.h"

static pthread_key_t key_of_the_vm;
static bool was_attached;

/* A VM that runs code of its own when a thread ends. */
static void
look_whether_attached(void *thread)
{
    was_attached = thread == vmprof_current_thread();
}

static void *
attach_and_forget(void *user)
{
    struct vmprof_thread *thread;

    if (vmprof_attach_thread(NULL, &thread) < 0 ||
        pthread_setspecific(key_of_the_vm, thread) != 0)
        return NULL;
    return user;
}

static void
each_thread_stays_attached_for_the_destructors_of_the_vm(void **state)
{
    (void)state;
    struct vmprof_thread *thread;
    pthread_t forgetful;
    void *result;

    /* The library's key is older, so its destructor runs first. */
    assert_int_equal(vmprof_attach_thread(NULL, &thread), 0);
    assert_int_equal(pthread_key_create(&key_of_the_vm, look_whether_attached),
                     0);
    for (unsigned i = 0; i < 3; i++) {
        was_attached = false;
        assert_int_equal(
            pthread_create(&forgetful, NULL, attach_and_forget, &key_of_the_vm),
            0);
        assert_int_equal(pthread_join(forgetful, &result), 0);
        assert_ptr_equal(result, &key_of_the_vm);
        assert_true(was_attached);
    }
    assert_int_equal(vmprof_detach_thread(thread), 0);
}

static int
enable(void)
{
    const int file = memfd_create("profile", 0);
    const int r = vmprof_enable(file, 0.1);

    close(file);
    return r;
}

static void
an_ended_thread_keeps_no_stack_of_the_vm(void **state)
{
    (void)state;
    struct vmprof_thread *thread;
    struct vmprof_stack *coroutine;

    assert_int_equal(enable(), 0);
    assert_int_equal(vmprof_attach_thread(NULL, &thread), 0);
    assert_int_equal(vmprof_new_stack(0, &coroutine), 0);
    assert_int_equal(vmprof_resume_stack(thread, coroutine), 0);
    assert_int_equal(vmprof_detach_thread(thread), 0);
    assert_int_equal(vmprof_free_stack(coroutine), 0);
    assert_ptr_equal(thread->stack, NULL);
    assert_int_equal(vmprof_disable(), 0);
}

static void
what_a_handler_cuts_is_counted_once(void **state)
{
    (void)state;
    struct vmprof_thread *thread;
    struct vmprof_stats stats;

    assert_int_equal(enable(), 0);
    assert_int_equal(vmprof_attach_thread(NULL, &thread), 0);
    vmp_count(&((struct vmp_thread *)thread)->counters.native_cut, 3);
    vmprof_stats_init(&stats);
    assert_int_equal(vmprof_get_stats(&stats), 0);
    assert_int_equal(stats.native_cut, 3);
    assert_int_equal(vmprof_detach_thread(thread), 0);
    assert_int_equal(vmprof_disable(), 0);
    assert_int_equal(vmprof_get_stats(&stats), 0);
    assert_int_equal(stats.native_cut, 3);
}

static void
a_thread_charged_ahead_of_its_time_bequeaths_none(void **state)
{
    (void)state;
    struct vmp_thread thread = {
        .cpu_start_ns = 1000000,
        .cpu_end_ns = 1040000,
        .last_cpu_ns = 1060000, /* a poll took it for running on */
        .period_ns = 30000,
    };
    struct vmp_thread next = { .periods.random = 1 };

    vmp_session.interval_ns = 50000;
    thread.ring.data = (void *)&thread; /* it was sampled */
    vmp_bequeath(&thread);
    vmp_inherit(&next);
    assert_int_equal(next.inherited_ns, 0);
    assert_in_range(next.period_ns, 1, 75000);
}

static const void *
stack_of_a_thread(size_t depth)
{
    struct vmprof_thread *thread;
    const void *frames;

    assert_int_equal(vmprof_attach_thread(NULL, &thread), 0);
    frames = ((struct vmp_thread *)thread)->own.frames;
    for (size_t i = 0; i < depth; i++)
        vmprof_execute_code_enter(thread, 4, NULL);
    assert_int_equal(vmprof_detach_thread(thread), 0);
    return frames;
}

static bool
is_mapped(const void *map)
{
    unsigned char resident;

    return mincore((void *)(uintptr_t)map, 1, &resident) == 0;
}

static void
a_stack_that_held_little_is_the_next_threads(void **state)
{
    (void)state;
    const void *const first = stack_of_a_thread(2000);

    assert_ptr_equal(stack_of_a_thread(0), first);
    assert_ptr_equal(stack_of_a_thread(10000), first);
    assert_false(is_mapped(first));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            each_thread_stays_attached_for_the_destructors_of_the_vm),
        cmocka_unit_test(an_ended_thread_keeps_no_stack_of_the_vm),
        cmocka_unit_test(what_a_handler_cuts_is_counted_once),
        cmocka_unit_test(a_thread_charged_ahead_of_its_time_bequeaths_none),
        cmocka_unit_test(a_stack_that_held_little_is_the_next_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
