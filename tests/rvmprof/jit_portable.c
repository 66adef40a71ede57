/* SPDX-License-Identifier: MIT */

/*
 * Compiled code for machines that nobody wrote a backend for: each operation of
 * a trace is a C function of its own in a section of theirs, so that addresses
 * tell them apart, and a trace is that section. There is one trace at a time.
 */

#include "jit.h"

#include <stdlib.h>

#include "codemap.h"
#include "isolate.h"

enum {
    MOST_OPERATIONS = 12,
    WORDS_BELOW = 8, /* as if between a stack pointer and the call */
};

struct operation {
    volatile int *written;
    unsigned long count;
    void (*function)(void *);
    void *argument;
};

static volatile int nowhere;

/* The part of a frame that handlers look at. */
struct frame {
    uintptr_t return_address;
    uintptr_t words[WORDS_BELOW];
    vmprof_stack_t call;
};

struct own {
    struct operation operations[MOST_OPERATIONS];
    unsigned operation_count;
};

#define IN_TRACE                                                               \
    __attribute__((section("vm_trace"), noinline, used, no_sanitize_address))

/* Alike, but at addresses of their own, in this order. */
#define OPERATION(number)                                                      \
    IN_TRACE static void operation_##number(const struct operation *operation, \
                                            struct frame *frame)               \
    {                                                                          \
        __asm__ volatile("" ::"i"(number));                                    \
        if (operation->written != &nowhere)                                    \
            *operation->written = 1;                                           \
        for (volatile unsigned long left = operation->count; left; left--)     \
            ;                                                                  \
        if (!operation->function)                                              \
            return;                                                            \
        frame->return_address = (uintptr_t)operation_##number + 1;             \
        operation->function(operation->argument);                              \
        __asm__ volatile("");                                                  \
    }

OPERATION(0)
OPERATION(1)
OPERATION(2)
OPERATION(3)
OPERATION(4)
OPERATION(5)
OPERATION(6)
OPERATION(7)
OPERATION(8)
OPERATION(9)
OPERATION(10)
OPERATION(11)
OPERATION(12) /* where the one before ends */

static void (*const all[])(const struct operation *, struct frame *) = {
    operation_0,  operation_1,  operation_2,  operation_3, operation_4,
    operation_5,  operation_6,  operation_7,  operation_8, operation_9,
    operation_10, operation_11, operation_12,
};

static size_t
offset_of(unsigned number)
{
    return (size_t)((uintptr_t)all[number] - (uintptr_t)all[0]);
}

static struct operation *
next_operation(struct jit_trace *trace)
{
    struct own *const own = trace->own;

    require(own->operation_count < MOST_OPERATIONS);
    own->operations[own->operation_count].written = &nowhere;
    return &own->operations[own->operation_count++];
}

void
jit_begin(struct jit_trace *trace, Signed unique_id)
{
    *trace = (struct jit_trace){ .own = calloc(1, sizeof(struct own)) };
    require(trace->own != NULL);
    trace->code = (unsigned char *)(uintptr_t)all[0];
    jit_list_enter(trace, unique_id, 0);
}

static size_t
here(const struct jit_trace *trace)
{
    return offset_of(((const struct own *)trace->own)->operation_count);
}

void
jit_enter(struct jit_trace *trace, Signed unique_id)
{
    jit_list_enter(trace, unique_id, here(trace));
}

void
jit_leave(struct jit_trace *trace)
{
    jit_list_leave(trace, here(trace));
}

void
jit_spin(struct jit_trace *trace, unsigned long count)
{
    next_operation(trace)->count = count;
}

void
jit_call(struct jit_trace *trace, void (*function)(void *), void *argument)
{
    struct operation *const operation = next_operation(trace);

    operation->function = function;
    operation->argument = argument;
}

void
jit_crash(struct jit_trace *trace)
{
    next_operation(trace)->written = vm_forbidden();
}

void
jit_end(struct jit_trace *trace)
{
    trace->size = here(trace);
    while (trace->depth)
        jit_list_leave(trace, trace->size);
    pypy_jit_codemap_add((unsigned long)trace->code, (unsigned)trace->size,
                         trace->list, trace->length);
}

void
jit_run(const struct jit_trace *trace)
{
    const struct own *const own = trace->own;
    struct frame frame;

    frame.return_address = 0;
    frame.call.next = pypy_threadlocal.vmprof_tl_stack;
    frame.call.value = (intptr_t)&frame.words[0];
    frame.call.kind = VMPROF_JITTED_TAG;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    pypy_threadlocal.vmprof_tl_stack = &frame.call;
    for (unsigned i = 0; i < own->operation_count; i++)
        all[i](&own->operations[i], &frame);
    pypy_threadlocal.vmprof_tl_stack = frame.call.next;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void
jit_free(struct jit_trace *trace)
{
    pypy_jit_codemap_del((unsigned long)trace->code);
    free(trace->own);
}
