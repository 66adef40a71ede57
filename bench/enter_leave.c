/* SPDX-License-Identifier: MIT */

/*
 * What entering and leaving a call costs, sampling off, against pushing and
 * popping a node of a linked list on the C stack, as rvmprof does, and against
 * neither: three copies of one loop, interleaved, so that what disturbs the
 * machine disturbs all.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <vmprof/vmprof.h>

enum {
    ROUNDS = 301,
    CALLS = 100 * 1000,
    DEPTH = 8,
};

struct node {
    struct node *next;
    uint64_t value;
    uint64_t kind;
};

/* What a call has at hand: each way its own record of the thread, by a pointer
 * that the VM passes along. */
struct state {
    struct node *top;
    uintptr_t position;
};

/* The compiler must neither move nor drop what stands around this. */
static inline void
opaque(void)
{
    __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) uint64_t
work(uint64_t x)
{
    __asm__ volatile("" ::"r"(x));
    return x + 1;
}

static inline void
push(struct state *state, struct node *node, uint64_t code)
{
    node->next = state->top;
    node->value = code;
    node->kind = 1;
    opaque();
    state->top = node;
}

/* A loop of calls, one after the other. */

static __attribute__((noinline)) void
loop_plain(struct state *state, struct vmprof_thread *thread)
{
    uint64_t x = 0;

    (void)state, (void)thread;
    for (uint64_t i = 0; i < CALLS; i++) {
        opaque();
        x = work(x);
        opaque();
    }
}

static __attribute__((noinline)) void
loop_list(struct state *state, struct vmprof_thread *thread)
{
    uint64_t x = 0;

    (void)thread;
    for (uint64_t i = 0; i < CALLS; i++) {
        struct node node;

        push(state, &node, i);
        opaque();
        x = work(x);
        opaque();
        state->top = node.next;
    }
}

static __attribute__((noinline)) void
loop_vmprof(struct state *state, struct vmprof_thread *thread)
{
    uint64_t x = 0;

    for (uint64_t i = 0; i < CALLS; i++) {
        const vmprof_token token =
            vmprof_execute_code_enter(thread, i, &state->position);

        opaque();
        x = work(x);
        opaque();
        vmprof_execute_code_leave(thread, token);
    }
}

/* Calls inside one another. */

static __attribute__((noinline)) void
call_plain(struct state *state, struct vmprof_thread *thread, unsigned depth)
{
    opaque();
    if (depth > 1)
        call_plain(state, thread, depth - 1);
    opaque();
}

static __attribute__((noinline)) void
call_list(struct state *state, struct vmprof_thread *thread, unsigned depth)
{
    struct node node;

    push(state, &node, depth);
    opaque();
    if (depth > 1)
        call_list(state, thread, depth - 1);
    opaque();
    state->top = node.next;
}

static __attribute__((noinline)) void
call_vmprof(struct state *state, struct vmprof_thread *thread, unsigned depth)
{
    const vmprof_token token =
        vmprof_execute_code_enter(thread, depth, &state->position);

    opaque();
    if (depth > 1)
        call_vmprof(state, thread, depth - 1);
    opaque();
    vmprof_execute_code_leave(thread, token);
}

#define NESTED(call)                                                           \
    static void nested_##call(struct state *state,                             \
                              struct vmprof_thread *thread)                    \
    {                                                                          \
        for (unsigned i = 0; i < CALLS / DEPTH; i++)                           \
            call(state, thread, DEPTH);                                        \
    }

NESTED(call_plain)
NESTED(call_list)
NESTED(call_vmprof)

static double
now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

typedef void
variant(struct state *state, struct vmprof_thread *thread);

/* Nanoseconds for one call. */
static double
measure(variant *run, struct state *state, struct vmprof_thread *thread)
{
    const double start = now_ns();

    run(state, thread);
    return (now_ns() - start) / CALLS;
}

static int
compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double
median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), compare);
    return values[ROUNDS / 2];
}

static void
compare_variants(const char *title, variant *plain, variant *list,
                 variant *vmprof, struct state *state,
                 struct vmprof_thread *thread)
{
    static double bare[ROUNDS], linked[ROUNDS], ours[ROUNDS], more[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++) {
        bare[i] = measure(plain, state, thread);
        linked[i] = measure(list, state, thread);
        ours[i] = measure(vmprof, state, thread);
        more[i] = ours[i] - linked[i];
    }
    printf("%s\n", title);
    printf("  a call that does nothing           %6.2f ns\n", median(bare));
    printf("  with a linked list's push and pop  %6.2f ns\n", median(linked));
    printf("  with vmprof's enter and leave      %6.2f ns\n", median(ours));
    printf("  enter and leave over push and pop  %+6.2f ns\n", median(more));
}

int
main(void)
{
    struct state state = { 0 };
    struct vmprof_thread *thread;
    const int r = vmprof_attach_thread(NULL, &thread);

    if (r < 0) {
        fprintf(stderr, "attach: %s\n", vmprof_strerror(r));
        return 1;
    }
    compare_variants("calls in a loop (budget: +1.00 ns)", loop_plain,
                     loop_list, loop_vmprof, &state, thread);
    compare_variants("calls inside one another, 8 deep", nested_call_plain,
                     nested_call_list, nested_call_vmprof, &state, thread);
    vmprof_detach_thread(thread);
    return 0;
}
