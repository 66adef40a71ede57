/* SPDX-License-Identifier: MIT */

/*
 * Which function an event is of. Its address is looked up in a table with weak
 * keys: nothing else knows when it is another's.
 */
#include "events.h"

#include <lauxlib.h>

static const char functions_key, helper_key;

void
vmprof_lua_make_weak_table(lua_State *L, const void *key)
{
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

static void
push_functions(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &functions_key) == LUA_TTABLE)
        return;
    lua_pop(L, 1);
    vmprof_lua_make_weak_table(L, &functions_key);
}

lua_State *
vmprof_lua_helper(lua_State *L)
{
    lua_State *helper;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &helper_key) != LUA_TTHREAD) {
        lua_pop(L, 1);
        lua_sethook(lua_newthread(L), NULL, 0, 0);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &helper_key);
    }
    helper = lua_tothread(L, -1);
    lua_pop(L, 1);
    return helper;
}

/* The function is on top of the stack, the table beneath. */
static void
learn(lua_State *L, lua_Debug *activation, struct known_function *out)
{
    struct known_function *kept;

    lua_getinfo(L, "Slut", activation);
    *out = (struct known_function){ 0 };
    out->code = vmprof_lua_function_id(vmprof_lua_helper(L), L, activation);
    out->is_c = *activation->what == 'C';
    out->line =
        activation->linedefined > 0 ? (uint32_t)activation->linedefined : 0;
    lua_pushvalue(L, -1);
    kept = lua_newuserdatauv(L, sizeof(*kept), 0);
    *kept = *out;
    lua_rawset(L, -4);
}

void
vmprof_lua_know(struct profiled_state *state, lua_State *L,
                lua_Debug *activation, struct known_function *out)
{
    const struct known_function *known;

    (void)state;
    push_functions(L);
    lua_getinfo(L, "f", activation);
    lua_pushvalue(L, -1);
    lua_rawget(L, -3);
    known = lua_touserdata(L, -1);
    if (known)
        *out = *known;
    lua_pop(L, 1);
    if (!known)
        learn(L, activation, out);
    lua_pop(L, 2);
}

struct known_function *
vmprof_lua_kept_function(lua_State *L)
{
    struct known_function *kept;

    push_functions(L);
    lua_pushvalue(L, -2);
    lua_rawget(L, -2);
    kept = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return kept;
}
