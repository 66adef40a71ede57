/* SPDX-License-Identifier: MIT */

/*
 * Which lines a function has, for who covers lines. Lua makes a table of them,
 * so they are asked for once for all closures of a function.
 */
#include "events.h"

#include <lauxlib.h>
#include <vmprof/coverage.h>

enum {
    BLOCK = 64,
};

static const char told_key;

/* The end of a function is a line that does not run if a return stands before
   it: it is there if it has run. */
static bool
may_be_skipped(const lua_Debug *activation, lua_Integer line)
{
    return line == activation->lastlinedefined &&
           activation->linedefined != activation->lastlinedefined;
}

/* The table of them is on top of the stack, and goes. */
static void
add_lines(lua_State *L, const lua_Debug *activation, vmprof_code_id code)
{
    uint32_t lines[BLOCK];
    uint64_t count = 0;

    lua_pushnil(L);
    while (lua_next(L, -2)) {
        const lua_Integer line = lua_tointeger(L, -2);

        lua_pop(L, 1);
        if (may_be_skipped(activation, line))
            continue;
        lines[count++] = (uint32_t)line;
        if (count == BLOCK) {
            (void)vmprof_add_lines(NULL, code, lines, count);
            count = 0;
        }
    }
    (void)vmprof_add_lines(NULL, code, lines, count);
    lua_pop(L, 1);
}

/* Whether this code's were told in this epoch; from now on they are. */
static bool
were_told(lua_State *L, vmprof_code_id code, uint64_t epoch)
{
    bool result;

    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &told_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &told_key);
    }
    lua_rawgeti(L, -1, (lua_Integer)code);
    result = (uint64_t)lua_tointeger(L, -1) == epoch;
    lua_pop(L, 1);
    lua_pushinteger(L, (lua_Integer)epoch);
    lua_rawseti(L, -2, (lua_Integer)code);
    lua_pop(L, 1);
    return result;
}

void
vmprof_lua_tell_lines(const struct moment *moment,
                      struct known_function *function)
{
    const uint64_t epoch = vmprof_events_epoch();
    lua_State *const L = moment->state;
    struct known_function *kept;

    if (function->lines_told == epoch)
        return;
    function->lines_told = epoch;
    lua_getinfo(L, "f", moment->activation);
    kept = vmprof_lua_kept_function(L);
    lua_pop(L, 1);
    if (kept)
        kept->lines_told = epoch;
    if (vmprof_add_lines(NULL, function->code, NULL, 0) < 0 ||
        were_told(L, function->code, epoch))
        return;
    lua_getinfo(L, "SL", moment->activation);
    if (lua_istable(L, -1))
        add_lines(L, moment->activation, function->code);
    else
        lua_pop(L, 1);
}
