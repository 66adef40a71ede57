/* SPDX-License-Identifier: MIT */

/*
 * What a function is called, best first: where it stands in package.loaded, as
 * in Lua's own tracebacks; what its definition calls it; what the place of the
 * call calls it; where it is defined.
 */
#include "name.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool
find_loaded(lua_State *runner, lua_State *L, lua_Debug *activation, char *name)
{
    bool is_found;

    lua_getinfo(L, "f", activation);
    if (L != runner)
        lua_xmove(L, runner, 1);
    is_found = vmprof_shim_find_loaded(runner, name);
    lua_pop(runner, 1);
    return is_found;
}

static bool
is_name(const char *name)
{
    return name && *name && strcmp(name, "?") != 0 &&
           strcmp(name, "integer index") != 0;
}

static bool
ask_call_site(lua_State *L, lua_Debug *activation, char *name)
{
    const char *prefix = "";

    lua_getinfo(L, "n", activation);
    if (!is_name(activation->name))
        return false;
    if (strcmp(activation->namewhat, "for iterator") == 0 ||
        strcmp(activation->namewhat, "hook") == 0)
        return false;
    if (strcmp(activation->namewhat, "metamethod") == 0 &&
        strncmp(activation->name, "__", 2) != 0)
        prefix = "__";
    snprintf(name, NAME_SIZE, "%s%s", prefix, activation->name);
    return true;
}

static void
name_machine_code(lua_State *L, lua_Debug *activation, char *name)
{
    lua_getinfo(L, "f", activation);
    vmprof_shim_name_machine_code(lua_tocfunction(L, -1), name);
    lua_pop(L, 1);
}

void
vmprof_lua_name(lua_State *runner, lua_State *L, lua_Debug *activation,
                char name[NAME_SIZE])
{
    if (*activation->what == 'm') {
        snprintf(name, NAME_SIZE, "main chunk");
        return;
    }
    if (find_loaded(runner, L, activation, name))
        return;
    if (*activation->what != 'C' &&
        vmprof_shim_definition(activation->source, activation->srclen,
                               activation->linedefined, name))
        return;
    if (ask_call_site(L, activation, name))
        return;
    if (*activation->what == 'C')
        name_machine_code(L, activation, name);
    else
        snprintf(name, NAME_SIZE, "function <%s:%d>", activation->short_src,
                 activation->linedefined);
}
