/* SPDX-License-Identifier: MIT */

/* Tracebacks, as faulthandler takes them: no session has ever begun here. */

#include "suite.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "common.h"

enum {
    WORDS = RVMPROF_TRACEBACK_ESTIMATE_N(50),
};

static intptr_t words[WORDS + 4];
static volatile intptr_t word_count;
static sigjmp_buf after_crash;

static void
take(void *stack, void *context, intptr_t room)
{
    memset(words, 0x77, sizeof(words));
    word_count = vmprof_get_traceback(stack, context, (void **)words, room);
}

/* Of the words, the pairs (tag, value) must be these. */
static void
require_pairs(const intptr_t (*pairs)[2], intptr_t count)
{
    require(word_count == 2 * count);
    for (intptr_t i = 0; i < count; i++) {
        require(words[2 * i] == pairs[i][0]);
        require(words[2 * i + 1] == pairs[i][1]);
    }
    require(words[word_count] == (intptr_t)0x7777777777777777);
}

static void
take_here(void *room)
{
    take(NULL, NULL, (intptr_t)room);
}

static void
call_second(void *room)
{
    pypy_g___vmprof_eval_vmprof(8, take_here, room);
}

static void
interpret(void)
{
    const intptr_t both[][2] = { { 1, 8 }, { 1, 4 } };

    take_here((void *)WORDS);
    require(word_count == 0);
    pypy_threadlocal.ready = 42;
    for (intptr_t room = -3; room <= 10; room++) {
        pypy_g___vmprof_eval_vmprof(4, call_second, (void *)room);
        require_pairs(both, room >= 6 ? 2 : room >= 4);
    }
}

static void
interpreted_code_is_told_as_far_as_there_is_room(void **state)
{
    (void)state;
    assert_int_equal(isolate(interpret, 20), 0);
}

static struct jit_trace trace;

static void
run_trace(void *unused)
{
    (void)unused;
    jit_run(&trace);
}

static void
make_trace(void (*function)(void *), void *argument)
{
    pypy_threadlocal.ready = 42;
    jit_begin(&trace, 12);
    jit_enter(&trace, 16);
    jit_enter(&trace, 20);
    jit_call(&trace, function, argument);
    jit_leave(&trace);
    jit_leave(&trace);
    jit_end(&trace);
}

static void
call_from_compiled_code(void)
{
    for (intptr_t room = 2; room <= 14; room++) {
        /* A trace comes with one of its codes at least. */
        const intptr_t most = room / 2 - 1 < 5 ? room / 2 - 1 : 5;

        make_trace(take_here, (void *)room);
        pypy_g___vmprof_eval_vmprof(4, run_trace, NULL);
        const intptr_t pairs[][2] = {
            { 6, (intptr_t)trace.code },
            { 3, 20 },
            { 3, 16 },
            { 3, 12 },
            { 1, 4 },
        };
        if (most == 1)
            require(word_count == 2 && words[0] == 1);
        else
            require_pairs(pairs, most);
        jit_free(&trace);
    }
}

static void
compiled_code_is_told_with_its_trace_and_what_is_inlined(void **state)
{
    (void)state;
    assert_int_equal(isolate(call_from_compiled_code, 20), 0);
}

static void
on_crash(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    take(NULL, context, WORDS);
    siglongjmp(after_crash, 1);
}

static void
catch_crashes(void)
{
    static char stack[64 * 1024];
    const stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
    struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK };

    require(sigaltstack(&alternate, NULL) == 0);
    action.sa_sigaction = on_crash;
    require(sigaction(SIGSEGV, &action, NULL) == 0);
}

static void
crash(void *address)
{
    *(volatile int *)address = 1;
}

static void
crash_in_interpreter(void)
{
    const intptr_t pairs[][2] = { { 1, 4 } };

    catch_crashes();
    pypy_threadlocal.ready = 42;
    if (!sigsetjmp(after_crash, 1))
        pypy_g___vmprof_eval_vmprof(4, crash, vm_forbidden());
    require_pairs(pairs, 1);
}

static void
a_crash_in_the_interpreter_is_told(void **state)
{
    (void)state;
    assert_int_equal(isolate(crash_in_interpreter, 20), 0);
}

/* The word that compiled code leaves behind is of the call before. */
static void
crash_in_compiled_code(void)
{
    static const struct {
        int tag, uid;
    } expected[] = { { 3, 16 }, { 3, 12 }, { 1, 4 } };

    catch_crashes();
    pypy_threadlocal.ready = 42;
    jit_begin(&trace, 12);
    jit_call(&trace, burn, NULL);
    jit_enter(&trace, 16);
    jit_crash(&trace);
    jit_leave(&trace);
    jit_end(&trace);
    if (!sigsetjmp(after_crash, 1))
        pypy_g___vmprof_eval_vmprof(4, run_trace, NULL);
    require(word_count == 8);
    require(words[0] == 6 && words[1] == (intptr_t)trace.code);
    for (int i = 0; i < 3; i++) {
        require(words[2 * i + 2] == expected[i].tag);
        require(words[2 * i + 3] == expected[i].uid);
    }
}

static void
a_crash_in_compiled_code_is_told_by_its_instruction(void **state)
{
    (void)state;
    assert_int_equal(isolate(crash_in_compiled_code, 20), 0);
}

static void
crash_in_change(void *address)
{
    vmprof_ignore_signals(1);
    crash(address);
}

static void
crash_while_codemaps_change(void)
{
    const intptr_t pairs[][2] = { { 1, 4 } };

    catch_crashes();
    make_trace(crash_in_change, vm_forbidden());
    if (!sigsetjmp(after_crash, 1))
        pypy_g___vmprof_eval_vmprof(4, run_trace, NULL);
    /* Compiled code cannot be told. */
    require_pairs(pairs, 1);
    vmprof_ignore_signals(0);
}

static void
a_crash_in_the_change_of_a_codemap_is_told(void **state)
{
    (void)state;
    assert_int_equal(isolate(crash_while_codemaps_change, 20), 0);
}

static pthread_barrier_t stand, go_on;
static vmprof_stack_t *waiting_calls;

static void
stand_still(void *unused)
{
    (void)unused;
    waiting_calls = pypy_threadlocal.vmprof_tl_stack;
    pthread_barrier_wait(&stand);
    pthread_barrier_wait(&go_on);
}

static void *
wait_in_code(void *unused)
{
    pypy_threadlocal.ready = 42;
    pypy_g___vmprof_eval_vmprof(40, stand_still, NULL);
    return unused;
}

static void
look_at_other_thread(void)
{
    const intptr_t pairs[][2] = { { 1, 40 } };
    pthread_t thread;

    require(pthread_barrier_init(&stand, NULL, 2) == 0);
    require(pthread_barrier_init(&go_on, NULL, 2) == 0);
    require(pthread_create(&thread, NULL, wait_in_code, NULL) == 0);
    pthread_barrier_wait(&stand);
    take(waiting_calls, NULL, WORDS);
    require_pairs(pairs, 1);
    pthread_barrier_wait(&go_on);
    require(pthread_join(thread, NULL) == 0);
}

static void
another_threads_calls_are_told(void **state)
{
    (void)state;
    assert_int_equal(isolate(look_at_other_thread, 20), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interpreted_code_is_told_as_far_as_there_is_room),
        cmocka_unit_test(
            compiled_code_is_told_with_its_trace_and_what_is_inlined),
        cmocka_unit_test(a_crash_in_the_interpreter_is_told),
        cmocka_unit_test(a_crash_in_compiled_code_is_told_by_its_instruction),
        cmocka_unit_test(a_crash_in_the_change_of_a_codemap_is_told),
        cmocka_unit_test(another_threads_calls_are_told),
    };

    return cmocka_run_group_tests_name("traceback", tests, NULL, NULL);
}
