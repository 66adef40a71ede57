/* SPDX-License-Identifier: MIT */

/*
 * In place of the functions of Lua that switch coroutines: the same, and they
 * say who runs. Lua's own are called wherever no error can leave them while
 * another coroutine is said to run; the rest does what lcorolib.c does.
 */
#include "events.h"
#include "state.h"

#include <stdatomic.h>

#include <lauxlib.h>
#include <lualib.h>

/* One resume, on the C stack of the function that makes it. */
struct run {
    struct level resumer, coroutine;
    struct level *before;
    struct switched switched;
};

/* Who is armed runs no longer: ask the one that does. */
static void
move_request(struct profiled_state *state)
{
    vmprof_lua_disarm(state, state->armed);
    state->busy = BUSY;
    vmprof_lua_arm(state);
    state->busy = NOT_BUSY;
}

static void
switch_to(struct profiled_state *state, struct level *level)
{
    state->top = level;
    if (state->armed && state->armed != level->state)
        move_request(state);
}

static void
enter(struct profiled_state *state, struct run *run, lua_State *L,
      lua_State *coroutine)
{
    run->before = state->top;
    run->coroutine.state = coroutine;
    run->coroutine.below = run->before;
    /* C code resumed L without our noticing. */
    if (run->before->state != L) {
        run->resumer.state = L;
        run->resumer.below = run->before;
        run->coroutine.below = &run->resumer;
    }
    /* The handler must not see it before it is whole. */
    atomic_signal_fence(memory_order_release);
    switch_to(state, &run->coroutine);
    vmprof_lua_enter_coroutine(state, coroutine, &run->switched);
}

static void
leave(struct profiled_state *state, struct run *run)
{
    vmprof_lua_leave_coroutine(&run->switched);
    switch_to(state, run->before);
    vmprof_lua_follow(state, run->before->state, NULL);
}

static struct profiled_state *
upvalue_state(lua_State *L, int index)
{
    return lua_touserdata(L, lua_upvalueindex(index));
}

static int
resume(lua_State *L)
{
    struct profiled_state *state = upvalue_state(L, 1);
    lua_State *coroutine = lua_tothread(L, 1);
    struct run run;
    int results = 0, error;

    if (!coroutine)
        return state->resume(L);
    enter(state, &run, L, coroutine);
    error = vmprof_lua_tell_resume(state, coroutine);
    if (!error) {
        results = state->resume(L);
        error = vmprof_lua_tell_suspension(state, coroutine);
    }
    leave(state, &run);
    vmprof_lua_raise(L, error);
    return results;
}

/* Returns how many results it moved, or -1 and an error message. */
static int
resume_wrapped(lua_State *L, lua_State *coroutine)
{
    const int arguments = lua_gettop(L);
    int results;
    int status;

    if (!lua_checkstack(coroutine, arguments)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, coroutine, arguments);
    status = lua_resume(coroutine, L, arguments, &results);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(coroutine, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(coroutine, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(coroutine, L, results);
    return results;
}

/* After an error: close the coroutine's variables, which runs Lua code. */
static int
close_failed(lua_State *L, lua_State *coroutine)
{
    int status = lua_status(coroutine);

    if (status != LUA_OK && status != LUA_YIELD) {
        status = lua_resetthread(coroutine);
        lua_xmove(coroutine, L, 1);
    }
    return status;
}

static int
call_wrapped(lua_State *L)
{
    lua_State *coroutine = lua_tothread(L, lua_upvalueindex(1));
    struct profiled_state *state = upvalue_state(L, 2);
    int status = LUA_OK;
    struct run run;
    int results = 0, error;

    enter(state, &run, L, coroutine);
    error = vmprof_lua_tell_resume(state, coroutine);
    if (!error) {
        results = resume_wrapped(L, coroutine);
        error = vmprof_lua_tell_suspension(state, coroutine);
        if (results < 0)
            status = close_failed(L, coroutine);
    }
    leave(state, &run);
    vmprof_lua_raise(L, error);
    if (results >= 0)
        return results;

    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int
wrap(lua_State *L)
{
    struct profiled_state *state = upvalue_state(L, 1);
    const int results = state->wrap(L);

    /* What was wrap before us need not have been Lua's own. */
    if (results != 1 || !lua_iscfunction(L, -1) || !lua_getupvalue(L, -1, 1))
        return results;
    if (!lua_isthread(L, -1)) {
        lua_pop(L, 1);
        return results;
    }
    vmprof_lua_disinherit(state, lua_tothread(L, -1));
    vmprof_lua_forget_inherited(state, L, lua_tothread(L, -1));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, call_wrapped, 2);
    return 1;
}

static int
create(lua_State *L)
{
    struct profiled_state *state = upvalue_state(L, 1);
    const int results = state->create(L);

    if (results == 1 && lua_isthread(L, -1)) {
        vmprof_lua_disinherit(state, lua_tothread(L, -1));
        vmprof_lua_forget_inherited(state, L, lua_tothread(L, -1));
    }
    return results;
}

/* Whether close() runs its variables' handlers, and does not raise an error. */
static bool
can_be_closed(lua_State *L, lua_State *coroutine)
{
    lua_Debug activation;

    if (L == coroutine)
        return false;
    return lua_status(coroutine) != LUA_OK ||
           !lua_getstack(coroutine, 0, &activation);
}

static int
close_coroutine(lua_State *L)
{
    struct profiled_state *state = upvalue_state(L, 1);
    lua_State *coroutine = lua_tothread(L, 1);
    struct run run;
    int results, error;

    if (!coroutine || !can_be_closed(L, coroutine))
        return state->close(L);
    enter(state, &run, L, coroutine);
    results = state->close(L);
    error = vmprof_lua_tell_suspension(state, coroutine);
    leave(state, &run);
    vmprof_lua_raise(L, error);
    return results;
}

/*
 * Put `function` where the C function `name` of the table on top is. Ours has
 * an upvalue, which Lua's own have not: so nothing is replaced twice.
 */
static void
replace(lua_State *L, int state, const char *name, lua_CFunction function,
        lua_CFunction *original)
{
    const int top = lua_gettop(L);

    lua_pushstring(L, name);
    lua_rawget(L, -2);
    if (lua_iscfunction(L, -1) && !lua_getupvalue(L, -1, 1)) {
        *original = lua_tocfunction(L, -1);
        lua_pushstring(L, name);
        lua_pushvalue(L, state);
        lua_pushcclosure(L, function, 1);
        lua_rawset(L, top);
    }
    lua_settop(L, top);
}

/* Push package.loaded[name], or return false if it is no table. */
static bool
push_library(lua_State *L, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushstring(L, name);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

void
vmprof_lua_wrap_functions(lua_State *L, struct profiled_state *state)
{
    const int index = lua_gettop(L);

    luaL_checkstack(L, 10, NULL);
    if (push_library(L, LUA_COLIBNAME)) {
        replace(L, index, "resume", resume, &state->resume);
        replace(L, index, "wrap", wrap, &state->wrap);
        replace(L, index, "create", create, &state->create);
        replace(L, index, "close", close_coroutine, &state->close);
        lua_pop(L, 1);
    }
    if (push_library(L, LUA_DBLIBNAME)) {
        replace(L, index, "gethook", vmprof_lua_gethook, &state->gethook);
        replace(L, index, "sethook", vmprof_lua_sethook, &state->sethook);
        lua_pop(L, 1);
    }
    vmprof_lua_name_c_function(call_wrapped, "(wrapped coroutine)");
}
