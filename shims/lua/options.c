/* SPDX-License-Identifier: MIT */

#include "options.h"

#include <string.h>

#include <lauxlib.h>

static const char *const names[] = {
    "file", "interval", "mode", "clock", "max_frames", NULL,
};

static void
refuse_unknown_names(lua_State *L)
{
    const char *name;
    int i;

    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        for (i = 0; names[i] && name && strcmp(name, names[i]) != 0; i++)
            continue;
        if (!name || !names[i])
            luaL_argerror(L, 1,
                          lua_pushfstring(L, "unknown option '%s'",
                                          luaL_tolstring(L, -1, NULL)));
    }
}

static const char *
check_file(lua_State *L)
{
    const char *file = NULL;
    size_t size = 0;

    if (lua_getfield(L, 1, "file") == LUA_TSTRING)
        file = lua_tolstring(L, -1, &size);
    if (!file || !size || strlen(file) != size)
        luaL_argerror(L, 1, "option 'file' must be the name of a file");
    lua_pop(L, 1);
    return file;
}

static double
check_interval(lua_State *L)
{
    double interval = 0.001;

    if (lua_getfield(L, 1, "interval") != LUA_TNIL) {
        int is_number;
        interval = (double)lua_tonumberx(L, -1, &is_number);
        /* Written so that NaN is refused too. */
        if (!is_number || !(interval > 0 && interval < 1))
            luaL_argerror(L, 1,
                          "option 'interval' must be seconds, more than 0 and "
                          "less than 1");
    }
    lua_pop(L, 1);
    return interval;
}

/* The index of the option's value in `choices`, or 0 if it is not given. */
static uint32_t
check_choice(lua_State *L, const char *name, const char *const *choices)
{
    uint32_t choice = 0;

    if (lua_getfield(L, 1, name) != LUA_TNIL) {
        const char *value = lua_tostring(L, -1);
        while (choices[choice] && (!value || strcmp(value, choices[choice])))
            choice++;
        if (!choices[choice])
            luaL_argerror(L, 1,
                          lua_pushfstring(L, "option '%s' cannot be '%s'", name,
                                          luaL_tolstring(L, -1, NULL)));
    }
    lua_pop(L, 1);
    return choice;
}

static uint32_t
check_max_frames(lua_State *L)
{
    lua_Integer frames = 0;

    if (lua_getfield(L, 1, "max_frames") != LUA_TNIL) {
        frames = lua_tointeger(L, -1);
        if (frames < 1 || frames > 65536)
            luaL_argerror(L, 1,
                          "option 'max_frames' must be an integer from 1 to "
                          "65536");
    }
    lua_pop(L, 1);
    return (uint32_t)frames;
}

void
vmprof_lua_check_options(lua_State *L, struct start_options *options)
{
    /* In the order of enum vmprof_mode and enum vmprof_clock. */
    static const char *const modes[] = { "cpu", "wall", NULL };
    static const char *const clocks[] = { "auto", "perf", "monotonic",
                                          "observer", NULL };

    luaL_checktype(L, 1, LUA_TTABLE);
    refuse_unknown_names(L);
    vmprof_options_init(&options->library);
    options->file = check_file(L);
    options->library.interval = check_interval(L);
    options->library.mode = check_choice(L, "mode", modes);
    options->library.clock = check_choice(L, "clock", clocks);
    options->library.max_frames = check_max_frames(L);
    options->library.vm_name = LUA_VERSION;
}
