/* SPDX-License-Identifier: MIT */

/* Stacks that a thread switches: what is allowed and what is refused. */

#include "suite.h"

#include <errno.h>
#include <pthread.h>

#include <vmprof/stack.h>

static struct vmprof_thread *thread;
static struct vmprof_stack *own, *a, *b, *c;

static int
set_up(void **state)
{
    (void)state;
    if (vmprof_attach_thread(NULL, &thread) < 0)
        return -1;
    own = thread->stack;
    return vmprof_new_stack(10, &a) || vmprof_new_stack(0, &b) ||
           vmprof_new_stack(1, &c);
}

/* Whatever a test did, its stacks are free in the end. */
static int
tear_down(void **state)
{
    (void)state;
    if (vmprof_detach_thread(thread) < 0)
        return -1;
    return vmprof_free_stack(c) || vmprof_free_stack(b) || vmprof_free_stack(a);
}

static void
a_stack_is_made_empty_or_not_at_all(void **state)
{
    (void)state;
    struct vmprof_stack *out = a;

    assert_int_equal(vmprof_new_stack((1 << 24) + 1, &out), -EINVAL);
    assert_ptr_equal(out, a);
    assert_int_equal(vmprof_free_stack(NULL), 0);
    assert_int_equal(vmprof_switch_stack(thread, a), 0);
    assert_int_equal(thread->limit - thread->top, 10);
}

static void
nothing_is_switched_without_a_thread_or_a_stack(void **state)
{
    (void)state;
    assert_int_equal(vmprof_switch_stack(NULL, a), -ESRCH);
    assert_int_equal(vmprof_resume_stack(NULL, a), -ESRCH);
    assert_int_equal(vmprof_yield_stack(NULL), -ESRCH);
    assert_int_equal(vmprof_resume_stack(thread, NULL), -EINVAL);
    assert_int_equal(vmprof_yield_stack(thread), -EINVAL);
    assert_ptr_equal(thread->stack, own);
}

static void
switching_keeps_each_stack_as_it_was(void **state)
{
    (void)state;
    const vmprof_token token = vmprof_execute_code_enter(thread, 4, NULL);
    struct vmprof_frame *const top = thread->top;

    assert_int_equal(vmprof_switch_stack(thread, a), 0);
    vmprof_execute_code_enter(thread, 8, NULL);
    assert_int_equal(thread->limit - thread->top, 9);
    assert_int_equal(vmprof_switch_stack(thread, a), 0);
    assert_int_equal(vmprof_switch_stack(thread, NULL), 0);
    assert_ptr_equal(thread->top, top);
    assert_int_equal(vmprof_switch_stack(thread, NULL), 0);
    vmprof_execute_code_leave(thread, token);
    assert_int_equal(vmprof_switch_stack(thread, a), 0);
    assert_int_equal(thread->limit - thread->top, 9);
}

static void
a_stack_that_was_switched_to_has_nowhere_to_yield(void **state)
{
    (void)state;
    assert_int_equal(vmprof_switch_stack(thread, a), 0);
    assert_int_equal(vmprof_yield_stack(thread), -EINVAL);
    assert_ptr_equal(thread->stack, a);
}

static void
resumed_stacks_yield_to_their_callers(void **state)
{
    (void)state;
    assert_int_equal(vmprof_resume_stack(thread, a), 0);
    assert_int_equal(vmprof_resume_stack(thread, b), 0);
    assert_int_equal(vmprof_resume_stack(thread, a), -EBUSY);
    assert_int_equal(vmprof_resume_stack(thread, b), -EBUSY);
    assert_int_equal(vmprof_switch_stack(thread, a), -EBUSY);
    assert_int_equal(vmprof_switch_stack(thread, NULL), -EBUSY);
    assert_ptr_equal(thread->stack, b);
    assert_int_equal(vmprof_yield_stack(thread), 0);
    assert_ptr_equal(thread->stack, a);
    assert_int_equal(vmprof_yield_stack(thread), 0);
    assert_ptr_equal(thread->stack, own);
    assert_int_equal(vmprof_yield_stack(thread), -EINVAL);
}

static void
a_stack_in_use_is_not_freed(void **state)
{
    (void)state;
    assert_int_equal(vmprof_resume_stack(thread, a), 0);
    assert_int_equal(vmprof_resume_stack(thread, b), 0);
    assert_int_equal(vmprof_free_stack(b), -EBUSY);
    assert_int_equal(vmprof_free_stack(a), -EBUSY);
}

/* b waits on top of a, and with it a, even while neither runs. */
static void
a_stack_beneath_one_that_sleeps_is_not_freed(void **state)
{
    (void)state;
    assert_int_equal(vmprof_resume_stack(thread, a), 0);
    assert_int_equal(vmprof_resume_stack(thread, b), 0);
    assert_int_equal(vmprof_switch_stack(thread, c), 0);
    assert_int_equal(vmprof_free_stack(a), -EBUSY);
    assert_int_equal(vmprof_switch_stack(thread, b), 0);
    assert_int_equal(vmprof_yield_stack(thread), 0);
    assert_ptr_equal(thread->stack, a);
}

static void
a_chain_of_stacks_leaves_and_comes_back_together(void **state)
{
    (void)state;
    assert_int_equal(vmprof_resume_stack(thread, a), 0);
    assert_int_equal(vmprof_switch_stack(thread, b), 0);
    assert_int_equal(vmprof_resume_stack(thread, c), 0);
    assert_int_equal(vmprof_switch_stack(thread, a), 0);
    assert_int_equal(vmprof_yield_stack(thread), 0);
    assert_ptr_equal(thread->stack, own);
    assert_int_equal(vmprof_switch_stack(thread, c), 0);
    assert_int_equal(vmprof_yield_stack(thread), 0);
    assert_ptr_equal(thread->stack, b);
}

static void *
try_to_take(void *user)
{
    struct vmprof_thread *here;
    intptr_t r = vmprof_attach_thread(NULL, &here);

    if (r < 0)
        return (void *)r;
    r = vmprof_switch_stack(here, user);
    if (r == 0)
        r = here->stack == user ? 1 : 2;
    return (void *)r;
}

static intptr_t
on_another_thread(struct vmprof_stack *stack)
{
    pthread_t other;
    void *result;

    assert_int_equal(pthread_create(&other, NULL, try_to_take, stack), 0);
    assert_int_equal(pthread_join(other, &result), 0);
    return (intptr_t)result;
}

static void
a_stack_moves_between_threads_but_runs_on_one(void **state)
{
    (void)state;
    assert_int_equal(vmprof_switch_stack(thread, a), 0);
    assert_int_equal(on_another_thread(a), -EBUSY);
    assert_int_equal(vmprof_switch_stack(thread, NULL), 0);
    assert_int_equal(on_another_thread(a), 1);
    /* That thread has ended on it: it is free again. */
    assert_int_equal(vmprof_switch_stack(thread, a), 0);
}

static void *
end_beneath(void *user)
{
    struct vmprof_thread *here;

    (void)user;
    if (vmprof_attach_thread(NULL, &here) < 0 ||
        vmprof_resume_stack(here, a) < 0 || vmprof_switch_stack(here, b) < 0)
        return NULL;
    return a;
}

/* a was resumed on a thread that has ended since: nothing lies beneath it. */
static void
a_stack_outlives_the_thread_that_it_was_resumed_on(void **state)
{
    (void)state;
    pthread_t other;
    void *result;

    assert_int_equal(pthread_create(&other, NULL, end_beneath, NULL), 0);
    assert_int_equal(pthread_join(other, &result), 0);
    assert_ptr_equal(result, a);
    assert_int_equal(vmprof_switch_stack(thread, a), 0);
    assert_int_equal(vmprof_yield_stack(thread), -EINVAL);
    assert_ptr_equal(thread->stack, a);
}

static void
an_overflow_belongs_to_the_stack_that_runs(void **state)
{
    (void)state;
    assert_int_equal(vmprof_switch_stack(thread, c), 0);
    const vmprof_token first = vmprof_execute_code_enter(thread, 4, NULL);
    const vmprof_token second = vmprof_execute_code_enter(thread, 4, NULL);
    assert_ptr_equal(thread->top, thread->limit + 1);
    vmprof_execute_code_leave(thread, second);
    assert_ptr_equal(thread->top, thread->limit);
    vmprof_execute_code_leave(thread, first);
    assert_int_equal(thread->limit - thread->top, 1);
}

#define coroutine_test(test)                                                   \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        coroutine_test(a_stack_is_made_empty_or_not_at_all),
        coroutine_test(nothing_is_switched_without_a_thread_or_a_stack),
        coroutine_test(switching_keeps_each_stack_as_it_was),
        coroutine_test(a_stack_that_was_switched_to_has_nowhere_to_yield),
        coroutine_test(resumed_stacks_yield_to_their_callers),
        coroutine_test(a_stack_in_use_is_not_freed),
        coroutine_test(a_stack_beneath_one_that_sleeps_is_not_freed),
        coroutine_test(a_chain_of_stacks_leaves_and_comes_back_together),
        coroutine_test(a_stack_moves_between_threads_but_runs_on_one),
        coroutine_test(a_stack_outlives_the_thread_that_it_was_resumed_on),
        coroutine_test(an_overflow_belongs_to_the_stack_that_runs),
    };

    return cmocka_run_group_tests_name("coroutine", tests, NULL, NULL);
}
