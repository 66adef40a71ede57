/* SPDX-License-Identifier: MIT */

#include "stacklet.h"

#include <stdlib.h>
#include <ucontext.h>

#include "isolate.h"

enum {
    STACK_SIZE = 256 * 1024,
};

struct stacklet {
    ucontext_t context;
    void (*callback)(void *);
    void *argument;
    void *stack;
};

/* One thread switches. */
static struct stacklet own, *current = &own;

static vmprof_stack_t *
save_stack(void)
{
    vmprof_stop_sampling();
    return pypy_threadlocal.vmprof_tl_stack;
}

static void
restore_stack(vmprof_stack_t *calls)
{
    pypy_threadlocal.vmprof_tl_stack = calls;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    vmprof_start_sampling();
}

static void
go_to(struct stacklet *to)
{
    struct stacklet *const from = current;

    current = to;
    require(swapcontext(&from->context, &to->context) == 0);
}

/* Its callback starts sampling that its maker stopped, and stops it again. */
static void
begin(void)
{
    vmprof_start_sampling();
    current->callback(current->argument);
    vmprof_stop_sampling();
    go_to(&own);
}

struct stacklet *
stacklet_new(void (*callback)(void *), void *argument)
{
    struct stacklet *const made = calloc(1, sizeof(*made));
    vmprof_stack_t *calls;

    require(made != NULL && getcontext(&made->context) == 0);
    made->callback = callback;
    made->argument = argument;
    made->stack = malloc(STACK_SIZE);
    require(made->stack != NULL);
    made->context.uc_stack.ss_sp = made->stack;
    made->context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&made->context, begin, 0);
    calls = save_stack();
    pypy_threadlocal.vmprof_tl_stack = NULL;
    go_to(made);
    restore_stack(calls);
    return made;
}

void
stacklet_switch(struct stacklet *to)
{
    vmprof_stack_t *const calls = save_stack();

    go_to(to ? to : &own);
    restore_stack(calls);
}

void
stacklet_free(struct stacklet *stacklet)
{
    free(stacklet->stack);
    free(stacklet);
}
