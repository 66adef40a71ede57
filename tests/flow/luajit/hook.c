/* SPDX-License-Identifier: MIT */

/* LuaJIT loses the hook of its profiler if the tick comes while it writes the
 * table of its instructions. Here it comes at each instruction of that, one
 * after another, and then a compiled loop of pairs() has to end. */

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

enum {
    DEADLINE_SECONDS = 60, /* of the whole, which takes one */
    MOST_STEPS = 5000,
    STRIDE = 3,
};

/* The exit at true is not compiled yet when the tick comes. */
static const char prelude[] =
    "package.cpath, profile = ... "
    "vmprof = require 'vmprof' "
    "vmprof.start { file = profile, interval = 0.0005 } "
    "function sum(t) local n = 0 "
    "for _, v in pairs(t) do if v ~= true then n = n + v end end return n end "
    "function warm() jit.flush() numbers = {} "
    "for i = 1, 200 do numbers[i] = i end "
    "for _ = 1, 100 do sum(numbers) end numbers[60] = true end";

static volatile sig_atomic_t step, tick_at;

static void
fail(const char *what)
{
    printf("not ok: %s\n", what);
    exit(1);
}

static void
run(lua_State *L, const char *code)
{
    if (luaL_dostring(L, code))
        fail(lua_tostring(L, -1));
}

/* After each instruction. The tick that waits comes when this returns. */
static void
on_step(int number, siginfo_t *info, void *context)
{
    ucontext_t *const user = context;

    (void)number;
    (void)info;
    if (step++ == tick_at)
        sigdelset(&user->uc_sigmask, SIGPROF);
}

static void
count_steps(void)
{
    struct sigaction action = { .sa_sigaction = on_step,
                                .sa_flags = SA_SIGINFO };

    sigfillset(&action.sa_mask);
    if (sigaction(SIGTRAP, &action, NULL))
        fail("sigaction");
}

static void
hold_ticks(sigset_t *before)
{
    sigset_t ticks;

    sigemptyset(&ticks);
    sigaddset(&ticks, SIGPROF);
    sigprocmask(SIG_BLOCK, &ticks, before);
}

static void
await_a_tick(void)
{
    sigset_t waiting;

    do
        sigpending(&waiting);
    while (!sigismember(&waiting, SIGPROF));
}

static void
hook(lua_State *L, lua_Debug *activation)
{
    (void)L;
    (void)activation;
}

/* The hook of instructions goes, so the whole table is written. */
static long
write_table_step_by_step(lua_State *L)
{
    step = 0;
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" ::: "memory", "cc");
    lua_sethook(L, NULL, 0, 0);
    __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory", "cc");
    return step;
}

/* Returns how many instructions there were. */
static long
come_at(lua_State *L, int at)
{
    sigset_t before;
    long steps;

    run(L, "warm()");
    tick_at = at;
    hold_ticks(&before);
    /* Answers the last one: its hook is one of instructions, too. */
    run(L, "local _");
    lua_sethook(L, hook, LUA_MASKCOUNT, 1 << 30);
    await_a_tick();
    steps = write_table_step_by_step(L);
    sigprocmask(SIG_SETMASK, &before, NULL);
    run(L, "assert(sum(numbers) == 20100 - 60)");
    return steps;
}

/* A tick before it can have got lost by itself: then nothing was written. */
static bool
is_within(lua_State *L, int at)
{
    return come_at(L, at) > at || come_at(L, at) > at || come_at(L, at) > at;
}

int
main(int argc, char **argv)
{
    lua_State *const L = luaL_newstate();
    int at;

    if (argc != 3 || !L)
        return 2;
    luaL_openlibs(L);
    if (luaL_loadstring(L, prelude))
        fail(lua_tostring(L, -1));
    lua_pushstring(L, argv[1]);
    lua_pushstring(L, argv[2]);
    if (lua_pcall(L, 2, 0, 0))
        fail(lua_tostring(L, -1));
    count_steps();
    alarm(DEADLINE_SECONDS);
    for (at = 0; at < MOST_STEPS && is_within(L, at); at += STRIDE)
        continue;
    if (at < 100)
        fail("the table was not written step by step");
    run(L, "vmprof.stop()");
    lua_close(L);
    printf("ok: a tick at any of %d instructions does no harm\n", at);
    return 0;
}
