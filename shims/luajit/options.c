/* SPDX-License-Identifier: MIT */

#include "options.h"

#include <string.h>

#include <lauxlib.h>
#include <luajit.h>
#include <vmprof/jit.h>

static const char *const names[] = {
    "file",  "interval", "mode",     "clock", "max_frames",
    "edges", "inner",    "overflow", NULL,
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
                                          name ? name : luaL_typename(L, -1)));
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
static int
push_option(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    if (!lua_isnil(L, -1))
        return 1;
    lua_pop(L, 1);
    return 0;
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

/* The index of the option's value in `choices`, or 0 if it is not given. */
static uint32_t
check_choice(lua_State *L, const char *name, const char *const *choices)
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
                                      value ? value : luaL_typename(L, -1)));
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
vmprof_luajit_check_options(lua_State *L, struct start_options *options)
{
    /* In the order of enum vmprof_mode and enum vmprof_clock. */
    static const char *const modes[] = { "cpu", "wall", NULL };
    static const char *const clocks[] = { "auto", "perf", "monotonic",
                                          "observer", NULL };
    /* In that of enum vmprof_jit_inner. */
    static const char *const inners[] = { "count", "ignore", "each", "auto",
                                          NULL };
    /* And of enum vmprof_jit_overflow. */
    static const char *const overflows[] = { "drop", "newest", "block", NULL };
    static const char *const edges[] = { "current", "count", "events", NULL };
    static const uint32_t emits[] = {
        VMPROF_EMIT_CURRENT,
        VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT,
        VMPROF_EMIT_CURRENT | VMPROF_EMIT_COUNT | VMPROF_EMIT_EVENT,
    };

    luaL_checktype(L, 1, LUA_TTABLE);
    refuse_unknown_names(L);
    vmprof_options_init(&options->library);
    options->file = check_file(L);
    options->library.interval = check_interval(L);
    options->library.mode = check_choice(L, "mode", modes);
    options->library.clock = check_choice(L, "clock", clocks);
    options->library.max_frames = check_max_frames(L);
    options->library.jit_emits = emits[check_choice(L, "edges", edges)];
    options->library.jit_inner = check_choice(L, "inner", inners);
    options->library.jit_overflow = check_choice(L, "overflow", overflows);
    options->library.vm_name = LUAJIT_VERSION;
}
