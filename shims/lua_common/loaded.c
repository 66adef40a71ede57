/* SPDX-License-Identifier: MIT */

/* Names in package.loaded, as Lua's own tracebacks have them. */
#include "naming.h"

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

    lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
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
bool
vmprof_shim_find_loaded(lua_State *L, char name[NAME_SIZE])
{
    struct search search = { .entries = 0 };

    lua_pushcfunction(L, search_loaded);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, &search);
    if (lua_pcall(L, 2, 0, 0))
        lua_pop(L, 1);
    memcpy(name, search.best, NAME_SIZE);
    return *name;
}
