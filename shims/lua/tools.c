/* SPDX-License-Identifier: MIT */

/* Tools that are Lua functions: vmprof.register_tool(). */
#include "events.h"

#include <errno.h>

#include <lauxlib.h>

static const char error_key;
static const char *const type_name = "vmprof tool";

struct script_tool {
    vmprof_tool tool; /* 0: it was closed */
    const struct profiled_state *of;
};

static const struct {
    const char *name;
    uint32_t kind;
} kinds[] = {
    { "call", VMPROF_EVENT_CALL },
    { "resume", VMPROF_EVENT_RESUME },
    { "return", VMPROF_EVENT_RETURN },
    { "yield", VMPROF_EVENT_YIELD },
    { "unwind", VMPROF_EVENT_UNWIND },
    { "c-call", VMPROF_EVENT_C_CALL },
    { "c-return", VMPROF_EVENT_C_RETURN },
    { "c-raise", VMPROF_EVENT_C_RAISE },
    { "line", VMPROF_EVENT_LINE },
    { "instruction", VMPROF_EVENT_INSTRUCTION },
    { "tail-call", EVENT_TAIL_CALL },
};

enum {
    KINDS = sizeof(kinds) / sizeof(*kinds),
};

static const char *
name_of(uint32_t kind)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].kind == kind)
            return kinds[i].name;
    return "?";
}

void
vmprof_lua_raise_kept(lua_State *L)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key) == LUA_TNIL) {
        lua_pop(L, 1);
        return;
    }
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
    lua_error(L);
}

/* Push the callback. */
static bool
push_callback(lua_State *L, const struct script_tool *tool)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, tool) != LUA_TUSERDATA) {
        lua_pop(L, 1);
        return false;
    }
    lua_getiuservalue(L, -1, 1);
    lua_remove(L, -2);
    return true;
}

/* The callback is on top of the stack. */
static int
call(lua_State *L, lua_State *of, const struct vmprof_event *event)
{
    int result = VMPROF_EVENT_KEEP;

    lua_pushstring(L, name_of(event->kind));
    if (event->line)
        lua_pushinteger(L, event->line);
    else
        lua_pushnil(L);
    lua_pushthread(of);
    lua_xmove(of, L, 1);
    if (lua_pcall(L, 3, 1, 0)) {
        lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
        return -ECANCELED;
    }
    if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
        result = VMPROF_EVENT_DISABLE;
    lua_pop(L, 1);
    return result;
}

static int
on_event(void *user, struct vmprof_thread *thread,
         const struct vmprof_event *event)
{
    const struct script_tool *const tool = user;
    const struct moment *const moment = vmprof_lua_moment();

    lua_State *L;

    /* Of another state of this thread. */
    if (!moment || moment->thread != thread || moment->hooked->of != tool->of)
        return VMPROF_EVENT_KEEP;
    if (!lua_checkstack(moment->state, 4))
        return -ENOMEM;
    L = vmprof_lua_helper(moment->state);
    if (!lua_checkstack(L, LUA_MINSTACK))
        return -ENOMEM;
    return push_callback(L, tool) ? call(L, moment->state, event)
                                  : VMPROF_EVENT_KEEP;
}

static uint64_t
check_event(lua_State *L, int index)
{
    const char *const name = luaL_checkstring(L, index);

    for (size_t i = 0; i < KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return VMPROF_EVENT_BIT(kinds[i].kind);
    luaL_error(L, "there is no event '%s'", name);
    return 0;
}

/* A list of names. */
static uint64_t
check_events(lua_State *L, int index)
{
    uint64_t events = 0;

    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_Integer i = 1; lua_geti(L, index, i) != LUA_TNIL; i++) {
        events |= check_event(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return events;
}

static void
check_result(lua_State *L, const char *what, int result)
{
    if (result == -EEXIST)
        luaL_error(L, "%s: a tool of this name is registered", what);
    if (result < 0)
        luaL_error(L, "%s: %s", what, vmprof_strerror(result));
}

static struct script_tool *
check_tool(lua_State *L)
{
    struct script_tool *const tool = luaL_checkudata(L, 1, type_name);

    if (!tool->tool)
        luaL_error(L, "this tool is closed");
    return tool;
}

/* It may be collected from now on. */
static void
end_tool(lua_State *L, struct script_tool *tool)
{
    if (tool->tool)
        vmprof_unregister_tool(tool->tool);
    tool->tool = 0;
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, tool);
}

static int
close_tool(lua_State *L)
{
    struct script_tool *const tool = luaL_checkudata(L, 1, type_name);

    end_tool(L, tool);
    return 0;
}

static int
set_events(lua_State *L)
{
    const struct script_tool *const tool = check_tool(L);
    const uint64_t events = check_events(L, 2);

    check_result(
        L, "set_events",
        vmprof_set_thread_events(tool->tool, vmprof_current_thread(), events));
    return 0;
}

static int
restart(lua_State *L)
{
    check_result(L, "restart", vmprof_restart_events(check_tool(L)->tool));
    return 0;
}

static const luaL_Reg methods[] = {
    { "close", close_tool },   { "set_events", set_events },
    { "restart", restart },    { "__gc", close_tool },
    { "__close", close_tool }, { NULL, NULL },
};

/* Push a userdata that is kept until it is closed; its callback is on top. */
static struct script_tool *
push_tool(lua_State *L)
{
    struct script_tool *const tool = lua_newuserdatauv(L, sizeof(*tool), 1);

    memset(tool, 0, sizeof(*tool));
    tool->of = vmprof_lua_find_state(L);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
    if (luaL_newmetatable(L, type_name)) {
        luaL_setfuncs(L, methods, 0);
        lua_pushvalue(L, -1);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, tool);
    return tool;
}

int
vmprof_lua_register_tool(lua_State *L)
{
    struct vmprof_tool_callbacks callbacks;
    struct script_tool *tool;
    const char *name;
    uint64_t events;
    int result;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "name");
    name = luaL_checkstring(L, 2);
    lua_getfield(L, 1, "events");
    events = check_events(L, 3);
    vmprof_tool_callbacks_init(&callbacks);
    lua_getfield(L, 1, "priority");
    callbacks.priority = luaL_optinteger(L, 4, 0);
    lua_getfield(L, 1, "callback");
    luaL_checktype(L, 5, LUA_TFUNCTION);
    tool = push_tool(L);
    callbacks.event = on_event;
    callbacks.user = tool;
    result = vmprof_register_tool(name, &callbacks, &tool->tool);
    if (!result)
        result = vmprof_set_thread_events(tool->tool, vmprof_current_thread(),
                                          events);
    if (result)
        end_tool(L, tool);
    check_result(L, "register_tool", result);
    return 1;
}
