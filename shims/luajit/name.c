/* SPDX-License-Identifier: MIT */

/*
 * What a function is called, best first: where it stands in package.loaded, as
 * in Lua's own tracebacks; what its definition calls it; what the place of the
 * call calls it; where it is defined.
 */
#include "name.h"

#include <dlfcn.h>
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
static bool
find_loaded(lua_State *L, char *name)
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
    lua_pushvalue(L, FUNCTION);
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

static void
name_machine_code(lua_State *L, char *name)
{
    const lua_CFunction function = lua_tocfunction(L, -1);
    const char *file;
    Dl_info info;

    if (!function || !dladdr((void *)(uintptr_t)function, &info) ||
        !info.dli_fname) {
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
vmprof_luajit_name(lua_State *L, lua_Debug *activation, bool is_called,
                   char name[NAME_SIZE])
{
    if (*activation->what == 'm') {
        snprintf(name, NAME_SIZE, "main chunk");
        return;
    }
    if (find_loaded(L, name))
        return;
    if (*activation->what != 'C' &&
        vmprof_lua_definition(activation->source, strlen(activation->source),
                              activation->linedefined, name))
        return;
    if (is_called && ask_call_site(L, activation, name))
        return;
    if (*activation->what == 'C') {
        if (!find_builtin(L, name))
            name_machine_code(L, name);
        return;
    }
    snprintf(name, NAME_SIZE, "function <%s:%d>", activation->short_src,
             activation->linedefined);
}
