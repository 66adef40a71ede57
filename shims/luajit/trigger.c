/* SPDX-License-Identifier: MIT */

/*
 * LuaJIT's own profiler, without its clock.
 *
 * luaJIT_profile_start() installs a handler which, called at any moment, has
 * the interpreter call us before its next instruction. That handler is all we
 * want: it is called at the ticks of the library, and the timer and the action
 * of the signal are put back at once. LuaJIT puts the action that it found
 * there before in place again when its profiler ends, as lua_close() does
 * without asking us: so it is made to find one of ours.
 */
#include "hook.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include <luajit.h>

/* Three weeks, in milliseconds: it never comes to that. */
static const char LONGEST[] = "i1800000000";

/* LuaJIT's handler. NULL: its profiler does not run for us. */
static void (*volatile set_hook)(int number);

/* What it sets, and whether it was called and nothing has come of it yet. */
static struct hook hook;
static volatile sig_atomic_t is_asked;

/* Where signals go on from relay(), and how that is known. */
static struct sigaction beneath;
static volatile sig_atomic_t knowledge;
enum {
    UNKNOWN = 0,
    WAS_THERE = 1,
    TICKS = 2, /* a tick of the library came from there */
};

static volatile sig_atomic_t is_borrowed;

/* Unless we have just put it there ourselves: LuaJIT has ended its profiler,
   and goes on to close its state. */
static void
relay(int number, siginfo_t *info, void *context)
{
    if (!is_borrowed)
        set_hook = NULL;
    if (knowledge == UNKNOWN)
        return;
    if (beneath.sa_flags & SA_SIGINFO)
        beneath.sa_sigaction(number, info, context);
    else if (beneath.sa_handler != SIG_DFL && beneath.sa_handler != SIG_IGN)
        beneath.sa_handler(number);
}

static bool
is_relay(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == relay;
}

static void
learn(int how)
{
    struct sigaction now;

    if (sigaction(SIGPROF, NULL, &now) < 0 || is_relay(&now))
        return;
    beneath = now;
    knowledge = how;
}

void
vmprof_luajit_request(struct vmprof_thread *thread, void *user)
{
    void (*const ask)(int) = set_hook;

    (void)thread;
    if (knowledge != TICKS)
        learn(TICKS);
    vmprof_luajit_sample_trace(user);
    if (!ask)
        return;
    if (is_asked)
        vmprof_luajit_take_back_hook(&hook);
    is_asked = 1;
    ask(SIGPROF);
}

void
vmprof_luajit_ask_no_more(void)
{
    vmprof_luajit_take_back_hook(&hook);
    is_asked = 0;
}

static void
sample(void *data, lua_State *L, int samples, int vmstate)
{
    (void)samples;
    is_asked = 0;
    vmprof_luajit_sample(data, L, vmstate);
}

/* Whether an action is a handler in the machine code of LuaJIT. */
static bool
is_luajit(const struct sigaction *action)
{
    Dl_info handler, luajit;

    if (action->sa_flags & SA_SIGINFO || action->sa_handler == SIG_DFL ||
        action->sa_handler == SIG_IGN)
        return false;
    return dladdr((void *)(uintptr_t)action->sa_handler, &handler) &&
           dladdr((void *)(uintptr_t)luaJIT_profile_start, &luajit) &&
           handler.dli_fbase == luajit.dli_fbase;
}

struct borrowed {
    sigset_t mask;
    struct itimerval timer;
    struct sigaction action;
};

/* What luaJIT_profile_start() and _stop() change; relay() is there meanwhile. */
static void
borrow(struct borrowed *before)
{
    struct sigaction ours = { .sa_sigaction = relay,
                              .sa_flags =
                                  SA_SIGINFO | SA_RESTART | SA_ONSTACK };
    sigset_t profiling;

    sigemptyset(&profiling);
    sigaddset(&profiling, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &profiling, &before->mask);
    getitimer(ITIMER_PROF, &before->timer);
    learn(WAS_THERE);
    is_borrowed = 1;
    sigfillset(&ours.sa_mask);
    sigaction(SIGPROF, &ours, &before->action);
}

static void
put_back(const struct borrowed *before)
{
    setitimer(ITIMER_PROF, &before->timer, NULL);
    sigaction(SIGPROF, &before->action, NULL);
    is_borrowed = 0;
    pthread_sigmask(SIG_SETMASK, &before->mask, NULL);
}

int
vmprof_luajit_start_trigger(lua_State *L, struct profiled_state *state)
{
    struct sigaction installed;
    struct borrowed before;

    sigaction(SIGPROF, NULL, &installed);
    if (is_luajit(&installed))
        return -EBUSY;
    borrow(&before);
    luaJIT_profile_start(L, LONGEST, sample, state);
    sigaction(SIGPROF, NULL, &installed);
    put_back(&before);
    if (is_luajit(&installed)) {
        vmprof_luajit_find_hook(L, &hook);
        set_hook = installed.sa_handler;
        return 0;
    }
    /* Another state has the profiler, or it needs no signal. */
    if (is_relay(&installed))
        return -EBUSY;
    borrow(&before);
    luaJIT_profile_stop(L);
    put_back(&before);
    return -ENOTSUP;
}

void
vmprof_luajit_stop_trigger(lua_State *L)
{
    struct borrowed before;

    set_hook = NULL;
    vmprof_luajit_ask_no_more();
    borrow(&before);
    luaJIT_profile_stop(L);
    put_back(&before);
}

void
vmprof_luajit_drop_trigger(void)
{
    struct sigaction now;

    set_hook = NULL;
    /* While no session is open, the library's handler does nothing. */
    if (sigaction(SIGPROF, NULL, &now) == 0 && is_relay(&now) &&
        knowledge != UNKNOWN)
        sigaction(SIGPROF, &beneath, NULL);
}
