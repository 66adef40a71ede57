/* SPDX-License-Identifier: MIT */

/* Stacks that are switched under the profiler, and jumped out of. */

#include "mischief.h"

#include <setjmp.h>
#include <ucontext.h>

#include "isolate.h"

enum {
    COROUTINES = 50,
    CONTEXTS = 4,
    CONTEXT_SIZE = 64 * 1024,
};

void *
move_between_coroutines(void *user)
{
    struct mischief *const mischief = user;
    struct vmprof_stack *stacks[COROUTINES];
    struct vmprof_thread *thread;
    unsigned seed = 1;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    for (unsigned i = 0; i < COROUTINES; i++)
        require(vmprof_new_stack(0, &stacks[i]) == 0);
    while (!atomic_load(&stop)) {
        const unsigned a = (unsigned)rand_r(&seed) % COROUTINES,
                       b = (a + 1) % COROUTINES;

        require(vmprof_resume_stack(thread, stacks[a]) == 0);
        call(thread, 3);
        require(vmprof_resume_stack(thread, stacks[b]) == 0);
        call(thread, 3);
        require(vmprof_yield_stack(thread) == 0);
        require(vmprof_yield_stack(thread) == 0);
        require(vmprof_free_stack(stacks[b]) == 0);
        require(vmprof_new_stack(0, &stacks[b]) == 0);
        count_and_rest(mischief, 20);
    }
    for (unsigned i = 0; i < COROUTINES; i++)
        require(vmprof_free_stack(stacks[i]) == 0);
    require(vmprof_detach_thread(thread) == 0);
    return NULL;
}

/* C stacks that change, each with its stack of frames. */
struct context {
    ucontext_t context;
    struct vmprof_stack *stack;
    char *memory;
};

static struct context contexts[CONTEXTS];
static struct vmprof_thread *switching;

static void
switch_to(unsigned from, unsigned to)
{
    require(vmprof_switch_stack(switching, contexts[to].stack) == 0);
    require(swapcontext(&contexts[from].context, &contexts[to].context) == 0);
}

static void
run_context(int number)
{
    for (;;) {
        call(switching, (unsigned)number + 1);
        const vmprof_token token =
            vmprof_execute_code_enter(switching, codes[number], NULL);
        switch_to((unsigned)number, ((unsigned)number + 1) % CONTEXTS);
        vmprof_execute_code_leave(switching, token);
    }
}

void *
switch_contexts(void *user)
{
    struct mischief *const mischief = user;

    require(vmprof_attach_thread(NULL, &switching) == 0);
    for (unsigned i = 1; i < CONTEXTS; i++) {
        struct context *const c = &contexts[i];

        c->memory = malloc(CONTEXT_SIZE);
        require(c->memory && getcontext(&c->context) == 0);
        require(vmprof_new_stack(0, &c->stack) == 0);
        c->context.uc_stack.ss_sp = c->memory;
        c->context.uc_stack.ss_size = CONTEXT_SIZE;
        c->context.uc_link = NULL;
        makecontext(&c->context, (void (*)(void))run_context, 1, (int)i);
    }
    while (!atomic_load(&stop)) {
        switch_to(0, 1);
        count_and_rest(mischief, 20);
    }
    for (unsigned i = 1; i < CONTEXTS; i++) {
        require(vmprof_free_stack(contexts[i].stack) == 0);
        free(contexts[i].memory);
    }
    require(vmprof_detach_thread(switching) == 0);
    return NULL;
}

static _Thread_local struct vmprof_thread *signalled;

static void
call_in_handler(int number)
{
    (void)number;
    call(signalled, 4);
}

void *
run_on_signal_stacks(void *user)
{
    struct sigaction action = { .sa_handler = call_in_handler,
                                .sa_flags = SA_ONSTACK | SA_RESTART };
    struct mischief *const mischief = user;
    stack_t stack = { .ss_size = 64 * 1024 };

    require(vmprof_attach_thread(NULL, &signalled) == 0);
    require(sigaction(SIGUSR1, &action, NULL) == 0);
    while (!atomic_load(&stop)) {
        stack.ss_sp = malloc(stack.ss_size);
        stack.ss_flags = 0;
        require(stack.ss_sp && sigaltstack(&stack, NULL) == 0);
        for (unsigned i = 0; i < 20; i++)
            raise(SIGUSR1);
        stack.ss_flags = SS_DISABLE;
        require(sigaltstack(&stack, NULL) == 0);
        free(stack.ss_sp);
        count_and_rest(mischief, 2);
    }
    return NULL;
}

static jmp_buf outside;
static volatile bool can_jump = true;

static void
call_and_jump(struct vmprof_thread *thread, unsigned depth)
{
    vmprof_execute_code_enter(thread, codes[depth], NULL);
    if (depth)
        call_and_jump(thread, depth - 1);
    else if (can_jump)
        longjmp(outside, 1);
}

void *
jump_out(void *user)
{
    struct mischief *const mischief = user;
    struct vmprof_thread *thread;

    require(vmprof_attach_thread(NULL, &thread) == 0);
    while (!atomic_load(&stop)) {
        /* Not in a register, which longjmp() may put back. */
        const volatile vmprof_token token =
            vmprof_execute_code_enter(thread, codes[0], NULL);

        if (!setjmp(outside))
            call_and_jump(thread, CODES - 1);
        vmprof_execute_code_leave(thread, token);
        count_and_rest(mischief, 5000);
    }
    return NULL;
}
