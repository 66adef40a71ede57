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

#include "rounds.h"
#include "row.h"

enum {
    MOST_ROUNDS = 301,
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

static unsigned rounds = MOST_ROUNDS;

/* The value that a part of all lies below. */
static double
quantile(double *values, double part)
{
    sort(values, rounds);
    return values[(unsigned)((rounds - 1) * part + 0.5)];
}

static void
add_row(const char *title, double *more, double budget_ns)
{
    char measured[40], spread[60], budget[40] = "", what[100];
    const double median = quantile(more, 0.5);

    snprintf(what, sizeof(what), "enter and leave, %s", title);
    snprintf(measured, sizeof(measured), "%+.2f ns", median);
    snprintf(spread, sizeof(spread), "%+.2f – %+.2f", quantile(more, 0.25),
             quantile(more, 0.75));
    if (budget_ns > 0)
        snprintf(budget, sizeof(budget), "%+.2f ns", budget_ns);
    bench_row(what, measured, spread, budget, "a linked list's push and pop",
              budget_ns > 0 ? median <= budget_ns : -1);
}

static void
compare_variants(const char *title, double budget_ns, variant *const *run,
                 struct state *state, struct vmprof_thread *thread)
{
    static double bare[MOST_ROUNDS], linked[MOST_ROUNDS], ours[MOST_ROUNDS],
        more[MOST_ROUNDS];

    for (unsigned i = 0; i < rounds; i++) {
        bare[i] = measure(run[0], state, thread);
        linked[i] = measure(run[1], state, thread);
        ours[i] = measure(run[2], state, thread);
        more[i] = ours[i] - linked[i];
    }
    printf("%s\n", title);
    printf("  a call that does nothing           %6.2f ns\n",
           quantile(bare, 0.5));
    printf("  with a linked list's push and pop  %6.2f ns\n",
           quantile(linked, 0.5));
    printf("  with vmprof's enter and leave      %6.2f ns\n",
           quantile(ours, 0.5));
    printf("  enter and leave over push and pop  %+6.2f ns\n",
           quantile(more, 0.5));
    add_row(title, more, budget_ns);
}

/* enter_leave [ROUNDS] */
int
main(int argc, char **argv)
{
    static variant *const in_a_row[] = { loop_plain, loop_list, loop_vmprof },
                          *const nested[] = { nested_call_plain,
                                              nested_call_list,
                                              nested_call_vmprof };
    struct state state = { 0 };
    struct vmprof_thread *thread;
    const int r = vmprof_attach_thread(NULL, &thread);

    if (argc > 1 && atoi(argv[1]) > 0 && atoi(argv[1]) < MOST_ROUNDS)
        rounds = (unsigned)atoi(argv[1]);
    if (r < 0) {
        fprintf(stderr, "attach: %s\n", vmprof_strerror(r));
        return 1;
    }
    compare_variants("calls in a row", 1.0, in_a_row, &state, thread);
    compare_variants("calls inside one another", 0, nested, &state, thread);
    vmprof_detach_thread(thread);
    return 0;
}
