/* SPDX-License-Identifier: MIT */

/*
 * What a function is called, best first: where it stands in package.loaded, as
 * in Lua's own tracebacks; what its definition calls it; what the place of the
 * call calls it; where it is defined.
 */
#include "name.h"
#include "definition.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

enum {
    /* Programs keep data in globals too: not all of it is looked through. */
    MAX_ENTRIES = 20000,
    /* Stack slots of the search. */
    FUNCTION = 1,
    SEARCH = 2,
    LOADED = 3,
};

struct search {
    char best[NAME_SIZE];
    int entries;
};

static void
consider(struct search *search, const char *module, const char *key)
{
    char name[NAME_SIZE];

    if (strcmp(module, "_G") == 0)
        snprintf(name, sizeof(name), "%s", key);
    else
        snprintf(name, sizeof(name), "%s.%s", module, key);
    /* The order of a table changes from run to run; that of names does not. */
    if (!*search->best || strcmp(name, search->best) < 0)
        memcpy(search->best, name, sizeof(name));
}

/* The module is on top of the stack, its name beneath. */
static void
search_module(lua_State *L, struct search *search)
{
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, FUNCTION))
            consider(search, lua_tostring(L, -4), lua_tostring(L, -2));
        lua_pop(L, 1);
        if (++search->entries >= MAX_ENTRIES) {
            lua_pop(L, 1);
            return;
        }
    }
}

static int
search_loaded(lua_State *L)
{
    struct search *search = lua_touserdata(L, SEARCH);

    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (!lua_istable(L, LOADED))
        return 0;
    lua_pushnil(L);
    while (lua_next(L, LOADED) && search->entries < MAX_ENTRIES) {
        if (lua_type(L, -2) == LUA_TSTRING && lua_istable(L, -1))
            search_module(L, search);
        lua_pop(L, 1);
    }
    return 0;
}

/* Protected, because an error here would be the program's. */
static bool
find_loaded(lua_State *runner, lua_State *L, lua_Debug *activation, char *name)
{
    struct search search = { .entries = 0 };

    lua_pushcfunction(runner, search_loaded);
    lua_getinfo(L, "f", activation);
    if (L != runner)
        lua_xmove(L, runner, 1);
    lua_pushlightuserdata(runner, &search);
    if (lua_pcall(runner, 2, 0, 0) != LUA_OK)
        lua_pop(runner, 1);
    memcpy(name, search.best, NAME_SIZE);
    return *name;
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
    lua_CFunction function;
    const char *file = "?";
    Dl_info info;

    lua_getinfo(L, "f", activation);
    function = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    if (!dladdr((void *)(uintptr_t)function, &info) || !info.dli_fname) {
        snprintf(name, NAME_SIZE, "function <[C]>");
        return;
    }
    if (info.dli_sname) {
        snprintf(name, NAME_SIZE, "%s", info.dli_sname);
        return;
    }
    file = strrchr(info.dli_fname, '/');
    file = file ? file + 1 : info.dli_fname;
    snprintf(name, NAME_SIZE, "function <%s+0x%zx>", file,
             (size_t)((uintptr_t)function - (uintptr_t)info.dli_fbase));
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
        vmprof_lua_definition(activation->source, activation->srclen,
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
