/* SPDX-License-Identifier: MIT */

#include "native_chain.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define TEXT_(a, b) #a #b
#define TEXT(a, b)  TEXT_(a, b)

/* A function of the section BUILD_name. */
#define OWN(name) __attribute__((noinline, section(TEXT(BUILD, name))))
#define EXTENT(name)                                                           \
    extern const char JOIN(JOIN(__start_, BUILD), name)[],                     \
        JOIN(JOIN(__stop_, BUILD), name)[]
#define IN(name)                                                               \
    {                                                                          \
        JOIN(JOIN(__start_, BUILD), name), JOIN(JOIN(__stop_, BUILD), name)    \
    }

EXTENT(_run_vm);
EXTENT(_call_c);
EXTENT(_spin);
EXTENT(_leaf);
EXTENT(_leaf_caller);
EXTENT(_recursion);
EXTENT(_turn);
EXTENT(_left);
EXTENT(_right);

/* No call is the last thing a function does, nor is any left out. */
static inline void
stay(void)
{
    __asm__ volatile("" ::: "memory");
}

static OWN(_spin) void spin(const struct chain *chain)
{
    while (!*chain->stop)
        stay();
}

static void
run_vm(const struct chain *chain, unsigned level);

static OWN(_call_c) void call_c(const struct chain *chain, unsigned level)
{
    char some[100];

    /* A frame that takes some room. */
    __asm__ volatile("" : : "r"(some) : "memory");
    if (level + 1 == CHAIN_LEVELS)
        spin(chain);
    else
        run_vm(chain, level + 1);
    stay();
}

static OWN(_run_vm) void run_vm(const struct chain *chain, unsigned level)
{
    const vmprof_token token =
        vmprof_execute_code_enter(chain->thread, chain->codes[level], NULL);

    call_c(chain, level);
    vmprof_execute_code_leave(chain->thread, token);
    stay();
}

static OWN(_leaf) uint64_t leaf(uint64_t x)
{
    uint64_t a = x, b = x + 1, c = x + 2, d = x + 3, e = x + 4, f = x + 5;

    /* So many that some have to be saved. */
    __asm__ volatile(""
                     : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f)
                     :
                     : "memory");
#if defined(__x86_64__)
    __asm__ volatile("" ::: "rbx", "r12", "r13", "r14", "r15");
#elif defined(__aarch64__)
    __asm__ volatile("" ::: "x19", "x20", "x21", "x22", "x23");
#endif
    return a + b + c + d + e + f;
}

static OWN(_leaf_caller) void call_leaf(const struct chain *chain)
{
    volatile uint64_t sum = 0;

    while (!*chain->stop)
        sum = leaf(sum);
}

static OWN(_recursion) uint64_t
    recurse(const struct chain *chain, unsigned depth)
{
    uint64_t below;

    if (!depth) {
        run_vm(chain, 0);
        return 1;
    }
    below = recurse(chain, depth - 1);
    stay();
    return below + 1;
}

static void
turn(const struct chain *chain, unsigned path);

static OWN(_left) void go_left(const struct chain *chain, unsigned path)
{
    const vmprof_token token =
        vmprof_execute_code_enter(chain->thread, chain->codes[0], NULL);

    turn(chain, path);
    vmprof_execute_code_leave(chain->thread, token);
    stay();
}

static OWN(_right) void go_right(const struct chain *chain, unsigned path)
{
    const vmprof_token token =
        vmprof_execute_code_enter(chain->thread, chain->codes[1], NULL);

    turn(chain, path);
    vmprof_execute_code_leave(chain->thread, token);
    stay();
}

/* Then all frames stand elsewhere. */
static OWN(_turn) void turn_late(const struct chain *chain, unsigned path)
{
    go_left(chain, path);
    stay();
}

static OWN(_turn) void turn(const struct chain *chain, unsigned path)
{
    if (path == 1)
        for (unsigned i = 0; i < 5000; i++)
            stay();
    else if (path % 8 == 7)
        turn_late(chain, path / 2);
    else if (path % 2)
        go_left(chain, path / 2);
    else
        go_right(chain, path / 2);
    stay();
}

static void
wander(const struct chain *chain)
{
    uint32_t x = 1;

    while (!*chain->stop) {
        x = x * 1664525 + 1013904223;
        turn(chain, 1U << CHAIN_TURNS | x >> (32 - CHAIN_TURNS));
    }
}

const struct chain_functions JOIN(chain_, BUILD) = {
    .run = run_vm,
    .run_vm = IN(_run_vm),
    .call_c = IN(_call_c),
    .spin = IN(_spin),
    .call_leaf = call_leaf,
    .leaf = IN(_leaf),
    .leaf_caller = IN(_leaf_caller),
    .recurse = recurse,
    .recursion = IN(_recursion),
    .wander = wander,
    .turn = IN(_turn),
    .left = IN(_left),
    .right = IN(_right),
};
