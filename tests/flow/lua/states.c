/* SPDX-License-Identifier: MIT */

/*
 * A host of several Lua states on several OS threads, each case as a command:
 *
 *   states shares FILE SCRIPT SECONDS THREADS
 *   states close | leave | nest | first | refuse | events  FILE
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#define require(condition)                                                     \
    do {                                                                       \
        if (!(condition)) {                                                    \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);    \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

static const char *file;

static int
thread_clock(lua_State *L)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec * 1e-9);
    return 1;
}

static void
run(lua_State *L, const char *code)
{
    if (luaL_dostring(L, code)) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
    }
}

static lua_State *
open_state(void)
{
    lua_State *L = luaL_newstate();

    require(L);
    luaL_openlibs(L);
    lua_register(L, "thread_clock", thread_clock);
    lua_pushstring(L, file);
    lua_setglobal(L, "file");
    run(L, "vmprof = require 'vmprof'\n"
           "function busy(seconds)\n"
           "    local stop = thread_clock() + seconds\n"
           "    repeat until thread_clock() > stop\n"
           "end\n");
    return L;
}

static void
in_threads(int count, void *(*body)(void *), void *argument)
{
    pthread_t threads[64];

    require(count <= 64);
    for (int i = 0; i < count; i++)
        require(!pthread_create(&threads[i], NULL, body, argument));
    for (int i = 0; i < count; i++)
        require(!pthread_join(threads[i], NULL));
}

/* argv[3...]: the script, the seconds, the threads. */
static void *
run_shares(void *argument)
{
    char **argv = argument;
    lua_State *L = open_state();

    run(L, "vmprof.attach()");
    if (luaL_loadfile(L, argv[3]) ||
        (lua_pushstring(L, argv[4]), lua_pcall(L, 1, 0, 0))) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        exit(1);
    }
    lua_close(L);
    return NULL;
}

static void
shares(char **argv)
{
    lua_State *L = open_state();

    lua_pushstring(L, argv[6] ? argv[6] : "0.001");
    lua_setglobal(L, "interval");
    run(L, "vmprof.start { file = file, interval = tonumber(interval) }");
    in_threads(atoi(argv[5]), run_shares, argv);
    run(L, "vmprof.stop()");
    lua_close(L);
}

/* States are closed in the middle of the sampling, from 8 threads. */
static void *
open_and_close(void *argument)
{
    (void)argument;
    for (int i = 0; i < 40; i++) {
        lua_State *L = open_state();
        run(L, "vmprof.attach() busy(0.002)\n"
               "co = coroutine.wrap(function()\n"
               "    busy(0.002) coroutine.yield()\n"
               "end)\n"
               "co()");
        lua_close(L);
    }
    return NULL;
}

static void
close_while_sampled(void)
{
    lua_State *L = open_state();

    run(L, "vmprof.start { file = file, interval = 0.0002 }");
    in_threads(8, open_and_close, NULL);
    run(L, "samples = vmprof.stats().samples\n"
           "vmprof.stop() assert(samples > 100, samples)\n"
           "assert(vmprof.stats().threads == 1)");
    lua_close(L);
}

/* The thread ends, its state stays and goes on elsewhere. */
static void *
leave_state(void *argument)
{
    lua_State **L = argument;

    *L = open_state();
    run(*L, "vmprof.attach() busy(0.05)");
    return NULL;
}

static void
leave(void)
{
    lua_State *L = open_state(), *left;

    run(L, "vmprof.start { file = file }");
    for (int i = 0; i < 20; i++) {
        in_threads(1, leave_state, &left);
        run(left, "busy(0.005) vmprof.attach() busy(0.01)");
        lua_close(left);
    }
    run(L, "vmprof.stop() assert(vmprof.stats().threads == 1)");
    lua_close(L);
}

static int
call_other(lua_State *L)
{
    lua_State *other = lua_touserdata(L, lua_upvalueindex(1));

    run(other, "inner()");
    return 0;
}

/* Two states on a thread, one within the other. */
static void
nest(void)
{
    lua_State *outer = open_state(), *inner = open_state();

    run(outer, "vmprof.start { file = file }");
    run(inner, "vmprof.attach() function inner() busy(0.3) end");
    lua_pushlightuserdata(outer, inner);
    lua_pushcclosure(outer, call_other, 1);
    lua_setglobal(outer, "call_other");
    run(outer, "function outer() busy(0.3) call_other() end outer()\n"
               "assert(vmprof.stats().threads == 1)");
    lua_close(inner);
    run(outer, "outer_alone = function() busy(0.3) end outer_alone()\n"
               "vmprof.stop()");
    lua_close(outer);
}

/* The state that started is closed first: that ends the session. */
static void
close_the_first(void)
{
    lua_State *first = open_state(), *second = open_state();

    run(first, "vmprof.start { file = file }");
    run(second, "vmprof.attach() busy(0.05)");
    lua_close(first);
    run(second, "assert(not vmprof.stats().enabled) busy(0.05)\n"
                "vmprof.start { file = file } busy(0.05) vmprof.stop()");
    lua_close(second);
}

static void *
attach_elsewhere(void *argument)
{
    run(argument, "local good, message = pcall(vmprof.attach)\n"
                  "assert(not good and message:find 'another OS thread')\n"
                  "vmprof.detach() vmprof.attach() busy(0.05)\n"
                  "vmprof.detach()");
    return NULL;
}

/* A state changes its thread only if it says so. */
static void
refuse(void)
{
    lua_State *L = open_state();

    run(L, "vmprof.start { file = file }");
    in_threads(1, attach_elsewhere, L);
    run(L, "vmprof.attach() busy(0.05) vmprof.stop()");
    lua_close(L);
}

/* Of which a tool has counted 1002 calls: all that follow the first line. */
static void *
count_calls(void *argument)
{
    (void)argument;
    for (int i = 0; i < 20; i++) {
        lua_State *L = open_state();
        run(L,
            "vmprof.attach()\n"
            "local function f() end\n"
            "for _ = 1, 1000 do f() end\n"
            "local co = coroutine.wrap(function() f() coroutine.yield() end)\n"
            "co()");
        lua_close(L);
    }
    return NULL;
}

static void *
change_tools(void *argument)
{
    lua_State *L = open_state();

    (void)argument;
    run(L, "local tool = require 'lua_tool'\n"
           "for _ = 1, 50 do\n"
           "    local added = tool.add('count', 0, 2, 16, 17)\n"
           "    for _ = 1, 100000 do end\n"
           "    tool.drop(added)\n"
           "end");
    lua_close(L);
    return NULL;
}

/* States on 8 threads come and go under a tool of all, while others change. */
static void
tell_all_threads(void)
{
    lua_State *L = open_state();
    pthread_t changing;

    run(L, "tool = require 'lua_tool'\n"
           "calls = tool.add('count', 0)\n"
           "vmprof.start { file = file, interval = 0.0005 }\n"
           "vmprof.detach()\n");
    require(!pthread_create(&changing, NULL, change_tools, NULL));
    in_threads(8, count_calls, NULL);
    require(!pthread_join(changing, NULL));
    run(L, "tool.drop(calls)\n"
           "calls = tool.calls(calls)\n"
           "assert(calls == 8 * 20 * 1002, calls)\n"
           "vmprof.stop()");
    lua_close(L);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*body)(void);
    } cases[] = {
        { "close", close_while_sampled },
        { "leave", leave },
        { "nest", nest },
        { "first", close_the_first },
        { "refuse", refuse },
        { "events", tell_all_threads },
    };

    require(argc >= 3);
    file = argv[2];
    if (!strcmp(argv[1], "shares")) {
        require(argc >= 6);
        shares(argv);
        return 0;
    }
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (!strcmp(argv[1], cases[i].name)) {
            cases[i].body();
            return 0;
        }
    fprintf(stderr, "there is no case '%s'\n", argv[1]);
    return 2;
}
