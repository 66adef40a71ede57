/* SPDX-License-Identifier: MIT */

/* Threads, calls and coroutines while nothing samples. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include <vmprof/vmprof.h>

#include "isolate.h"

static struct vmprof_thread *thread;

static int
attach(void **state)
{
    struct vmprof_thread_options options;

    (void)state;
    vmprof_thread_options_init(&options);
    options.max_depth = 50;
    return vmprof_attach_thread(&options, &thread);
}

static int
detach(void **state)
{
    (void)state;
    return vmprof_detach_thread(thread);
}

static vmprof_token
enter(vmprof_code_id code)
{
    return vmprof_execute_code_enter(thread, code, NULL);
}

static void
leave(vmprof_token token)
{
    vmprof_execute_code_leave(thread, token);
}

static void
a_call_leaves_the_stack_as_it_found_it(void **state)
{
    (void)state;
    struct vmprof_frame *const top = thread->top;
    const uintptr_t position = 3;
    vmprof_token outer, inner;

    outer = vmprof_execute_code_enter(thread, 4, &position);
    assert_true(vmprof_token_is_good(outer));
    assert_int_equal(top->code & ~(uint64_t)3, 4);
    assert_ptr_equal(top->position, &position);
    assert_true(top->stack_pointer <= (uintptr_t)&position + 4096);
    inner = vmprof_enter_kind(thread, 8, VMPROF_KIND_JITTED, NULL);
    assert_int_equal(thread->top - top, 2);
    assert_int_equal(top[1].code >> 56, VMPROF_KIND_JITTED);
    assert_int_equal(top[1].link >> 32, (uint32_t)top[0].link);
    leave(inner);
    leave(outer);
    assert_ptr_equal(thread->top, top);
}

static void
leaving_drops_whatever_was_skipped(void **state)
{
    (void)state;
    struct vmprof_frame *const top = thread->top;
    const vmprof_token outer = enter(4);

    for (unsigned i = 0; i < 30; i++)
        enter(8);
    vmprof_execute_code_repair(thread, outer);
    assert_ptr_equal(thread->top, top + 1);
    for (unsigned i = 0; i < 30; i++)
        enter(8);
    leave(outer);
    assert_ptr_equal(thread->top, top);
}

static void
serials_grow_with_every_use_of_a_slot(void **state)
{
    (void)state;
    struct vmprof_frame *const slot = thread->top;
    uint32_t last = (uint32_t)slot->link;

    for (unsigned i = 0; i < 100; i++) {
        leave(enter(4));
        assert_int_equal((uint32_t)slot->link, last + 1);
        assert_int_equal(slot->code & 1, slot->link & 1);
        last = (uint32_t)slot->link;
    }
}

static void
an_unattached_thread_gets_a_token_that_does_nothing(void **state)
{
    (void)state;
    struct vmprof_frame *const top = thread->top;
    const vmprof_token token = vmprof_execute_code_enter(NULL, 4, NULL);

    assert_int_equal(token, -ESRCH);
    vmprof_execute_code_leave(NULL, token);
    vmprof_execute_code_repair(NULL, token);
    leave(-1);
    leave(-EINVAL);
    vmprof_execute_code_repair(thread, -1);
    assert_ptr_equal(thread->top, top);
}

static uint64_t
overflows(void)
{
    struct vmprof_stats stats;

    vmprof_stats_init(&stats);
    assert_int_equal(vmprof_get_stats(&stats), 0);
    return stats.overflows;
}

static void
calls_that_do_not_fit_are_counted_and_undone_in_order(void **state)
{
    (void)state;
    struct vmprof_frame *const top = thread->top;
    const int file = memfd_create("profile", 0);
    vmprof_token tokens[80];

    assert_int_equal(vmprof_enable(file, 0.5), 0);
    for (size_t i = 0; i < LENGTH(tokens); i++) {
        tokens[i] = enter(4);
        assert_true(vmprof_token_is_good(tokens[i]));
    }
    assert_ptr_equal(thread->top, thread->limit + 1);
    assert_int_equal(thread->limit - top, 50);
    assert_int_equal(overflows(), 30);
    vmprof_execute_code_repair(thread, tokens[60]);
    assert_ptr_equal(thread->top, thread->limit + 1);
    for (size_t i = LENGTH(tokens); i-- > 20;) {
        leave(tokens[i]);
        assert_int_equal(thread->top - top, i < 51 ? i : 51);
    }
    vmprof_execute_code_repair(thread, tokens[9]);
    assert_int_equal(thread->top - top, 10);
    leave(tokens[0]);
    assert_ptr_equal(thread->top, top);
    assert_int_equal(vmprof_disable(), 0);
    close(file);
}

static void
phases_say_what_was_before(void **state)
{
    (void)state;
    assert_int_equal(vmprof_set_phase(thread, VMPROF_PHASE_GC),
                     VMPROF_PHASE_INTERPRETING);
    assert_int_equal(vmprof_set_phase(thread, VMPROF_PHASE_INTERPRETING),
                     VMPROF_PHASE_GC);
}

static void *
return_argument(void *argument)
{
    if (thread->top > thread->limit)
        return NULL;
    return argument;
}

static void
a_wrapped_call_returns_what_the_function_returned(void **state)
{
    (void)state;
    struct vmprof_frame *const top = thread->top;
    int argument;

    assert_ptr_equal(vmprof_execute_code(thread, 4, return_argument, &argument),
                     &argument);
    assert_ptr_equal(vmprof_execute_code(NULL, 4, return_argument, &argument),
                     &argument);
    assert_ptr_equal(thread->top, top);
}

static void
attaching_goes_wrong_without_changing_anything(void **state)
{
    (void)state;
    struct vmprof_thread_options bad;
    struct vmprof_thread *out = NULL;

    assert_int_equal(vmprof_attach_thread(NULL, &out), -EALREADY);
    vmprof_thread_options_init(&bad);
    bad.max_depth = (1 << 24) + 1;
    assert_int_equal(vmprof_attach_thread(&bad, &out), -EINVAL);
    bad.size = 4;
    assert_int_equal(vmprof_attach_thread(&bad, &out), -EINVAL);
    assert_int_equal(vmprof_attach_thread_1(NULL, 41, &out), -EINVAL);
    assert_null(out);
    assert_ptr_equal(vmprof_current_thread(), thread);
}

static void *
detach_the_main_thread(void *user)
{
    (void)user;
    if (vmprof_current_thread())
        return NULL;
    return (void *)(intptr_t)-vmprof_detach_thread(thread);
}

static void
only_its_own_thread_detaches_a_record(void **state)
{
    (void)state;
    pthread_t other;
    void *result;

    assert_int_equal(vmprof_detach_thread(NULL), -ESRCH);
    assert_int_equal(pthread_create(&other, NULL, detach_the_main_thread, NULL),
                     0);
    assert_int_equal(pthread_join(other, &result), 0);
    assert_int_equal((intptr_t)result, ESRCH);
    assert_ptr_equal(vmprof_current_thread(), thread);
}

static void
a_thread_attaches_again_with_an_empty_stack(void **state)
{
    (void)state;
    struct vmprof_thread *const before = thread;

    enter(4);
    assert_int_equal(vmprof_detach_thread(thread), 0);
    assert_null(vmprof_current_thread());
    assert_int_equal(vmprof_detach_thread(before), -ESRCH);
    assert_int_equal(attach(NULL), 0);
    assert_int_equal(thread->limit - thread->top, 50);
    assert_ptr_equal(vmprof_current_thread(), thread);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_leaves_the_stack_as_it_found_it),
        cmocka_unit_test(leaving_drops_whatever_was_skipped),
        cmocka_unit_test(serials_grow_with_every_use_of_a_slot),
        cmocka_unit_test(an_unattached_thread_gets_a_token_that_does_nothing),
        cmocka_unit_test(calls_that_do_not_fit_are_counted_and_undone_in_order),
        cmocka_unit_test(phases_say_what_was_before),
        cmocka_unit_test(a_wrapped_call_returns_what_the_function_returned),
        cmocka_unit_test(attaching_goes_wrong_without_changing_anything),
        cmocka_unit_test(only_its_own_thread_detaches_a_record),
        cmocka_unit_test(a_thread_attaches_again_with_an_empty_stack),
    };

    return cmocka_run_group_tests_name("stack", tests, attach, detach);
}
