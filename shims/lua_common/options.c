/* SPDX-License-Identifier: MIT */

#include "options.h"
#include "dialect.h"

#include <stdbool.h>
#include <string.h>

#include <lauxlib.h>

static const char *const names[] = {
    "file", "interval", "mode", "clock", "max_frames", NULL,
};

static bool
contains(const char *const *list, const char *name)
{
    while (list && *list && strcmp(*list, name) != 0)
        list++;
    return list && *list;
}

static void
refuse_unknown_names(lua_State *L, const char *const *more)
{
    const char *name;

    lua_pushnil(L);
    while (lua_next(L, 1)) {
        lua_pop(L, 1);
        name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        if (!name || (!contains(names, name) && !contains(more, name)))
            luaL_argerror(L, 1,
                          lua_pushfstring(L, "unknown option '%s'",
                                          vmprof_shim_describe_value(L)));
    }
}

static const char *
check_file(lua_State *L)
{
    const char *file = NULL;
    size_t size = 0;

    lua_getfield(L, 1, "file");
    if (lua_type(L, -1) == LUA_TSTRING)
        file = lua_tolstring(L, -1, &size);
    if (!file || !size || strlen(file) != size)
        luaL_argerror(L, 1, "option 'file' must be the name of a file");
    lua_pop(L, 1);
    return file;
}

/* Whether option `name` is given; then it is on top of the stack. */
static bool
push_option(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    if (!lua_isnil(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

static double
check_interval(lua_State *L)
{
    double interval = 0.001;

    if (push_option(L, "interval")) {
        interval = (double)lua_tonumber(L, -1);
        /* Written so that NaN is refused too. */
        if (!lua_isnumber(L, -1) || !(interval > 0 && interval < 1))
            luaL_argerror(L, 1,
                          "option 'interval' must be seconds, more than 0 and "
                          "less than 1");
        lua_pop(L, 1);
    }
    return interval;
}

uint32_t
vmprof_shim_check_choice(lua_State *L, const char *name,
                         const char *const *choices)
{
    uint32_t choice = 0;
    const char *value;

    if (!push_option(L, name))
        return 0;
    value = lua_tostring(L, -1);
    while (choices[choice] && (!value || strcmp(value, choices[choice]) != 0))
        choice++;
    if (!choices[choice])
        luaL_argerror(L, 1,
                      lua_pushfstring(L, "option '%s' cannot be '%s'", name,
                                      vmprof_shim_describe_value(L)));
    lua_pop(L, 1);
    return choice;
}

static uint32_t
check_max_frames(lua_State *L)
{
    lua_Number frames = 0;

    if (push_option(L, "max_frames")) {
        frames = lua_tonumber(L, -1);
        if (!(frames >= 1 && frames <= 65536) ||
            frames != (lua_Number)(uint32_t)frames)
            luaL_argerror(L, 1,
                          "option 'max_frames' must be an integer from 1 to "
                          "65536");
        lua_pop(L, 1);
    }
    return (uint32_t)frames;
}

void
vmprof_shim_check_options(lua_State *L, const char *const *more,
                          struct start_options *options)
{
    /* In the order of enum vmprof_mode and enum vmprof_clock. */
    static const char *const modes[] = { "cpu", "wall", NULL };
    static const char *const clocks[] = { "auto", "perf", "monotonic",
                                          "observer", NULL };

    luaL_checktype(L, 1, LUA_TTABLE);
    refuse_unknown_names(L, more);
    vmprof_options_init(&options->library);
    options->file = check_file(L);
    options->library.interval = check_interval(L);
    options->library.mode = vmprof_shim_check_choice(L, "mode", modes);
    options->library.clock = vmprof_shim_check_choice(L, "clock", clocks);
    options->library.max_frames = check_max_frames(L);
}
