/* SPDX-License-Identifier: MIT */

/*
 * In place of debug.sethook() and debug.gethook(): the same, as if no hook of
 * ours were there.
 */
#include "events.h"

#include <lauxlib.h>

static struct profiled_state *
upvalue_state(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

static lua_State *
target_of(lua_State *L)
{
    return lua_isthread(L, 1) ? lua_tothread(L, 1) : L;
}

int
vmprof_lua_sethook(lua_State *L)
{
    struct profiled_state *const state = upvalue_state(L);
    lua_State *const target = target_of(L);
    const int results = state->sethook(L);
    const struct set_hook hook = vmprof_lua_read_hook(state, target);

    if (hook.hook)
        state->library_hook = hook.hook;
    vmprof_lua_program_has_set(state, target);
    return results;
}

static int
do_nothing(lua_State *L)
{
    (void)L;
    return 0;
}

/* What the library sets for all functions: learnt from a coroutine of which
   nobody knows, if the program has set none since we are there. */
static lua_Hook
library_hook(lua_State *L, struct profiled_state *state)
{
    lua_State *stranger;

    if (state->library_hook)
        return state->library_hook;
    stranger = lua_newthread(L);
    lua_pushcfunction(L, state->sethook);
    lua_pushvalue(L, -2);
    lua_pushcfunction(L, do_nothing);
    lua_pushliteral(L, "c");
    lua_call(L, 3, 0);
    state->library_hook = lua_gethook(stranger);
    lua_sethook(stranger, NULL, 0, 0);
    lua_pop(L, 1);
    return state->library_hook;
}

static void
push_function(lua_State *L, struct profiled_state *state, lua_State *target,
              lua_Hook hook)
{
    if (hook != library_hook(L, state)) {
        lua_pushliteral(L, "external hook");
        return;
    }
    lua_getfield(L, LUA_REGISTRYINDEX, "_HOOKKEY");
    if (!lua_checkstack(target, 1))
        luaL_error(L, "stack overflow");
    lua_pushthread(target);
    lua_xmove(target, L, 1);
    lua_rawget(L, -2);
    lua_remove(L, -2);
}

/* A count hook would begin to count anew if it were set to be asked for. */
static int
describe(lua_State *L, struct profiled_state *state, lua_State *target,
         struct set_hook hook)
{
    char mask[4], *end = mask;

    push_function(L, state, target, hook.hook);
    if (hook.mask & LUA_MASKCALL)
        *end++ = 'c';
    if (hook.mask & LUA_MASKRET)
        *end++ = 'r';
    if (hook.mask & LUA_MASKLINE)
        *end++ = 'l';
    *end = 0;
    lua_pushstring(L, mask);
    lua_pushinteger(L, hook.count);
    return 3;
}

/* What that is differs from one Lua 5.4 to the next. */
static int
describe_none(lua_State *L, struct profiled_state *state)
{
    lua_settop(L, 0);
    lua_sethook(lua_newthread(L), NULL, 0, 0);
    return state->gethook(L);
}

/* While no tick comes. */
static int
ask(lua_State *L, struct profiled_state *state, lua_State *target)
{
    struct set_hook program;

    if (!vmprof_lua_find_kept(state, target))
        vmprof_lua_disinherit(state, target);
    if (lua_gethook(target) != vmprof_lua_hook &&
        lua_gethook(target) != vmprof_lua_events_hook)
        return state->gethook(L);
    program = vmprof_lua_program_hook(state, target);
    return program.hook ? describe(L, state, target, program)
                        : describe_none(L, state);
}

int
vmprof_lua_gethook(lua_State *L)
{
    struct profiled_state *const state = upvalue_state(L);
    int results;

    state->busy = BUSY_TICKS;
    results = ask(L, state, target_of(L));
    state->busy = NOT_BUSY;
    return results;
}
