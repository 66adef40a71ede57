/* SPDX-License-Identifier: MIT */

/* Stacks: a thread's own and those of coroutines. */

#include "stack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../os/spare.h"
#include "thread.h"

enum {
    COROUTINE_DEPTH = 4096,
    LITTLE_DEPTH = 2048, /* what held more is not left to the next thread */
};

/* Each fork() makes the marks of all others void, whatever they were just
 * doing. */
static unsigned process = 1;

static size_t
map_size(const struct vmprof_stack *stack)
{
    return (size_t)(stack->limit + 1 - stack->frames) * sizeof(*stack->frames);
}

/* Whether all frames that were ever on it are few: no slot is used before the one
 * below it, and none is 0 again. */
static bool
held_little(const struct vmprof_stack *stack)
{
    return stack->frames + LITTLE_DEPTH >= stack->limit ||
           !stack->frames[LITTLE_DEPTH].link;
}

int
vmp_stack_map(struct vmprof_stack *stack, size_t max_depth)
{
    static atomic_uint_least64_t last_id;
    const size_t slots = max_depth + 2; /* the bottom and the spare one */
    const size_t size = slots * sizeof(struct vmprof_frame);
    /* Threads come and go more often than coroutines. */
    void *map = stack->is_own ? vmp_spare_take(VMP_SPARE_STACK, size) : NULL;

    if (!map)
        map = vmp_spare_map(size);
    if (!map)
        return -ENOMEM;
    stack->frames = map;
    stack->frames[0].link = 1;
    stack->frames[0].code = VMP_STACK_BOTTOM;
    stack->top = stack->frames + 1;
    stack->limit = stack->frames + 1 + max_depth;
    stack->caller = NULL;
    stack->id = atomic_fetch_add(&last_id, 1) + 1;
    return 0;
}

void
vmp_stack_unmap(struct vmprof_stack *stack)
{
    const size_t size = stack->frames ? map_size(stack) : 0;

    if (size && !(stack->is_own && held_little(stack) &&
                  vmp_spare_give(VMP_SPARE_STACK, stack->frames, size, 0)))
        munmap(stack->frames, size);
    stack->frames = NULL;
}

int
vmprof_new_stack(size_t max_depth, struct vmprof_stack **out)
{
    struct vmprof_stack *stack;
    int r;

    if (max_depth > VMP_MAX_DEPTH)
        return -EINVAL;
    stack = calloc(1, sizeof(*stack));
    if (!stack)
        return -ENOMEM;
    r = vmp_stack_map(stack, max_depth ? max_depth : COROUTINE_DEPTH);
    if (r < 0) {
        free(stack);
        return r;
    }
    *out = stack;
    return 0;
}

/* What lies beneath a stack that sleeps: nothing, if it was the own stack of a
 * thread that has ended since. */
static struct vmprof_stack *
caller_of(struct vmprof_stack *stack)
{
    if (stack->caller && stack->caller->id != stack->caller_id)
        stack->caller = NULL;
    return stack->caller;
}

static void
put_on(struct vmprof_stack *stack, struct vmprof_stack *caller)
{
    if (caller_of(stack))
        atomic_fetch_sub(&stack->caller->above, 1);
    if (caller) {
        atomic_fetch_add(&caller->above, 1);
        stack->caller_id = caller->id;
    }
    stack->caller = caller;
}

int
vmprof_free_stack(struct vmprof_stack *stack)
{
    if (!stack)
        return 0;
    if (atomic_load(&stack->in_use) == process || atomic_load(&stack->above))
        return -EBUSY;
    put_on(stack, NULL);
    /* The observer may be reading it still, as what a thread ran just now. */
    vmp_observe_lock();
    vmp_stack_unmap(stack);
    vmp_observe_unlock();
    free(stack);
    return 0;
}

/*
 * Whatever interrupts this sees the old stack, whole, until head.stack is set
 * again. The observer goes by `switches`: it takes nothing that it read while
 * that was odd or has changed.
 */
static void
run_on(struct vmp_thread *thread, struct vmprof_stack *to)
{
    struct vmprof_stack *const from = thread->head.stack;

    __atomic_store_n(&thread->switches, thread->switches + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    from->top = thread->head.top;
    thread->leaving = from;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&thread->head.stack, NULL, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&to->runs, to->runs + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&thread->head.top, to->top, __ATOMIC_RELAXED);
    thread->head.limit = to->limit;
    __atomic_signal_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&thread->head.stack, to, __ATOMIC_RELAXED);
    __atomic_store_n(&thread->switches, thread->switches + 1, __ATOMIC_RELEASE);
}

/* `frame` is where that of a function ends which the VM called: there begins what
 * called it. */
static void
note_place(struct vmprof_stack *stack, void *frame)
{
    stack->place.stack_pointer = (uintptr_t)frame;
    stack->place.top = stack->top;
}

bool
vmp_stack_take(struct vmprof_stack *stack)
{
    unsigned seen = atomic_load(&stack->in_use);

    return seen != process &&
           atomic_compare_exchange_strong(&stack->in_use, &seen, process);
}

/* A stack and all that wait beneath it are in use, or none of them is. */
static void
release_chain(struct vmprof_stack *stack)
{
    for (; stack; stack = stack->caller)
        atomic_store(&stack->in_use, 0);
}

static int
take_chain(struct vmp_thread *thread, struct vmprof_stack *stack)
{
    for (struct vmprof_stack *s = stack; s; s = caller_of(s)) {
        if ((!s->is_own || s == &thread->own) && vmp_stack_take(s))
            continue;
        for (struct vmprof_stack *t = stack; t != s; t = t->caller)
            atomic_store(&t->in_use, 0);
        return -EBUSY;
    }
    return 0;
}

void
vmp_stack_release(struct vmprof_stack *stack)
{
    while (stack) {
        struct vmprof_stack *const caller = stack->caller;
        put_on(stack, NULL);
        atomic_store(&stack->in_use, 0);
        stack = caller;
    }
}

void
vmp_stacks_leave_to_parent(struct vmprof_stack *running)
{
    process++;
    for (struct vmprof_stack *s = running; s; s = s->caller)
        atomic_store(&s->in_use, process);
}

int
vmprof_switch_stack(struct vmprof_thread *head, struct vmprof_stack *to)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;
    struct vmprof_stack *from;
    int r;

    if (!thread)
        return -ESRCH;
    if (!to)
        to = &thread->own;
    from = head->stack;
    if (from == to)
        return 0;
    r = take_chain(thread, to);
    if (r < 0)
        return r;
    note_place(to, __builtin_dwarf_cfa());
    run_on(thread, to);
    /* Afterwards: a sample in between sees two stacks without a common frame. */
    thread->jumps++;
    release_chain(from);
    return 0;
}

int
vmprof_resume_stack(struct vmprof_thread *head, struct vmprof_stack *to)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;

    if (!thread)
        return -ESRCH;
    if (!to)
        return -EINVAL;
    if (!vmp_stack_take(to))
        return -EBUSY;
    put_on(to, head->stack);
    note_place(to, __builtin_dwarf_cfa());
    run_on(thread, to);
    return 0;
}

int
vmprof_yield_stack(struct vmprof_thread *head)
{
    struct vmp_thread *const thread = (struct vmp_thread *)head;
    struct vmprof_stack *from;

    if (!thread)
        return -ESRCH;
    from = head->stack;
    if (!from->caller)
        return -EINVAL;
    run_on(thread, from->caller);
    put_on(from, NULL);
    atomic_store(&from->in_use, 0);
    return 0;
}
