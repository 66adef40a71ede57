/* SPDX-License-Identifier: MIT */

/* A host with several LuaJIT states and threads: one state at a time, which may
 * be closed while it is profiled, and outlive the thread that it ran on. */

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static const char *cpath, *profile;

static const char prelude[] =
    "function work(n) local s = 0 "
    "for i = 1, n do if i % 3 == 0 then s = s + 1 else s = s + i % 8 end end "
    "return s end "
    "function busy() local deadline = os.clock() + 20 "
    "local vmprof = require 'vmprof' local before = vmprof.stats().samples "
    "repeat assert(work(30000) == 80000) "
    "until vmprof.stats().samples > before + 3 or os.clock() > deadline "
    "assert(vmprof.stats().samples > before + 3) end "
    "function start() require('vmprof').start { file = profile, "
    "edges = 'count', interval = 0.0005 } end ";

static void
run(lua_State *L, const char *code)
{
    if (luaL_dostring(L, code)) {
        printf("not ok: %s: %s\n", code, lua_tostring(L, -1));
        exit(1);
    }
}

static lua_State *
open_state(void)
{
    lua_State *const L = luaL_newstate();

    luaL_openlibs(L);
    lua_getglobal(L, "package");
    lua_pushstring(L, cpath);
    lua_setfield(L, -2, "cpath");
    lua_pop(L, 1);
    lua_pushstring(L, profile);
    lua_setglobal(L, "profile");
    run(L, prelude);
    return L;
}

static void
in_thread(void *(*function)(void *), lua_State *L)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, function, L) ||
        pthread_join(thread, NULL))
        exit(2);
}

static void *
refuse(void *argument)
{
    run(argument, "local ok, why = pcall(require('vmprof').attach) "
                  "assert(not ok and why:find('one at a time'), why)");
    return NULL;
}

static void *
start_and_end(void *argument)
{
    run(argument, "start() busy()");
    return NULL;
}

static void
one_state_is_attached_at_a_time(void)
{
    lua_State *const first = open_state(), *const second = open_state();

    run(first, "start() busy()");
    refuse(second);
    in_thread(refuse, second);
    in_thread(refuse, first);
    /* With its session. */
    lua_close(first);
    run(second, "start() busy() require('vmprof').stop()");
    lua_close(second);
    printf("ok: one state is attached at a time\n");
}

static void
a_state_outlives_the_thread_that_it_ran_on(void)
{
    lua_State *const L = open_state();

    in_thread(start_and_end, L);
    run(L, "for i = 1, 100 do assert(work(3000) == 8000) end");
    run(L, "require('vmprof').attach() busy() require('vmprof').stop()");
    in_thread(refuse, L);
    run(L, "require('vmprof').detach() assert(work(30000) == 80000)");
    in_thread(start_and_end, L);
    lua_close(L);
    printf("ok: a state outlives the thread that it ran on\n");
}

int
main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    cpath = argv[1];
    profile = argv[2];
    one_state_is_attached_at_a_time();
    a_state_outlives_the_thread_that_it_ran_on();
    return 0;
}
