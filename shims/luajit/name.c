/* SPDX-License-Identifier: MIT */

/*
 * What a function is called, best first: where it stands in package.loaded, as
 * in Lua's own tracebacks; what its definition calls it; what the place of the
 * call calls it; where it is defined.
 */
#include "name.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

static bool
ask_call_site(lua_State *L, lua_Debug *activation, char *name)
{
    lua_getinfo(L, "n", activation);
    if (!activation->name || !*activation->name ||
        strcmp(activation->name, "?") == 0 || !*activation->namewhat)
        return false;
    snprintf(name, NAME_SIZE, "%s", activation->name);
    return true;
}

/* What LuaJIT has in assembler has a number, and names by these; the function
   is on top of the stack. Protected, as it raises an error where they are not
   installed. */
static int
push_builtin_name(lua_State *L)
{
    lua_getglobal(L, "require");
    lua_pushliteral(L, "jit.util");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "funcinfo");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "jit.vmdef");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "ffnames");
    lua_getfield(L, -3, "ffid");
    lua_gettable(L, -2);
    return 1;
}

static bool
find_builtin(lua_State *L, char *name)
{
    const char *found = NULL;

    lua_pushcfunction(L, push_builtin_name);
    lua_pushvalue(L, -2);
    if (lua_pcall(L, 1, 1, 0) == 0 && lua_type(L, -1) == LUA_TSTRING) {
        found = lua_tostring(L, -1);
        snprintf(name, NAME_SIZE, "%s", found);
    }
    lua_pop(L, 1);
    return found;
}

void
vmprof_luajit_name(lua_State *L, lua_Debug *activation, bool is_called,
                   char name[NAME_SIZE])
{
    if (*activation->what == 'm') {
        snprintf(name, NAME_SIZE, "main chunk");
        return;
    }
    if (vmprof_shim_find_loaded(L, name))
        return;
    if (*activation->what != 'C' &&
        vmprof_shim_definition(activation->source, strlen(activation->source),
                               activation->linedefined, name))
        return;
    if (is_called && ask_call_site(L, activation, name))
        return;
    if (*activation->what == 'C') {
        if (!find_builtin(L, name))
            vmprof_shim_name_machine_code(lua_tocfunction(L, -1), name);
        return;
    }
    snprintf(name, NAME_SIZE, "function <%s:%d>", activation->short_src,
             activation->linedefined);
}
