/* SPDX-License-Identifier: MIT */

/*
 * Tools and hooks in C, for programs that test events: require "lua_tool".
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>
#include <vmprof/vmprof.h>

enum {
    MOST_TOOLS = 256,
};

enum action {
    COUNT,
    FAIL,
    THROW,
    FORK,
    UNREGISTER,
    LOOK,
};

static const char *const actions[] = { "count",      "fail", "throw", "fork",
                                       "unregister", "look", NULL };

struct tool {
    vmprof_tool tool;
    lua_State *L; /* to throw in */
    enum action action;
    atomic_uint_least64_t calls;
    char seen[256];
};

static struct tool tools[MOST_TOOLS];
static atomic_size_t tool_count;

/* The child has the tools; it looks at one, and ends. */
static void
fork_here(const struct tool *tool)
{
    const pid_t child = fork();
    int status;

    if (child == 0)
        _exit(vmprof_set_events(tool->tool, 0) != 0);
    if (waitpid(child, &status, 0) != child || status)
        abort();
}

static void
note(struct tool *tool, const char *what, const struct vmprof_value *value)
{
    char *const end = tool->seen + strlen(tool->seen);
    const size_t room = sizeof(tool->seen) - strlen(tool->seen);

    switch (value->kind) {
    case VMPROF_VALUE_INTEGER:
        snprintf(end, room, "%s %s %lld;", what, value->type,
                 (long long)value->integer);
        break;
    case VMPROF_VALUE_NUMBER:
        snprintf(end, room, "%s %s %g;", what, value->type, value->number);
        break;
    case VMPROF_VALUE_STRING:
        snprintf(end, room, "%s %s %.*s;", what, value->type, (int)value->size,
                 (const char *)value->bytes);
        break;
    default:
        snprintf(end, room, "%s %s;", what, value->type);
    }
}

static void
look(struct tool *tool, struct vmprof_thread *thread,
     const struct vmprof_event *event)
{
    struct vmprof_value value;

    tool->seen[0] = 0;
    if (!vmprof_get_event_value(thread, event, VMPROF_VALUE_OF_OBJECT, 0,
                                &value))
        note(tool, "object", &value);
    for (uint64_t i = 0; !vmprof_get_event_value(
             thread, event, VMPROF_VALUE_OF_ARGUMENT, i, &value);
         i++)
        note(tool, "argument", &value);
    for (uint64_t i = 0; !vmprof_get_event_value(
             thread, event, VMPROF_VALUE_OF_LOCAL, i, &value);
         i++)
        note(tool, "local", &value);
}

static int
on_event(void *user, struct vmprof_thread *thread,
         const struct vmprof_event *event)
{
    struct tool *const tool = user;

    atomic_fetch_add_explicit(&tool->calls, 1, memory_order_relaxed);
    switch (tool->action) {
    case COUNT:
        return VMPROF_EVENT_KEEP;
    case FAIL:
        return -EACCES;
    case THROW:
        return luaL_error(tool->L, "thrown");
    case FORK:
        fork_here(tool);
        return VMPROF_EVENT_KEEP;
    case UNREGISTER:
        vmprof_unregister_tool(tool->tool);
        return VMPROF_EVENT_KEEP;
    case LOOK:
        look(tool, thread, event);
        return VMPROF_EVENT_KEEP;
    }
    return -EINVAL;
}

/* (action, number of the event, ...) -> number of the tool */
static int
add(lua_State *L)
{
    const size_t i = atomic_fetch_add(&tool_count, 1);
    struct vmprof_tool_callbacks callbacks;
    uint64_t events = 0;
    char name[32];

    if (i >= MOST_TOOLS)
        return luaL_error(L, "no more tools");
    tools[i].action = (enum action)luaL_checkoption(L, 1, NULL, actions);
    tools[i].L = L;
    for (int index = 2; index <= lua_gettop(L); index++)
        events |= VMPROF_EVENT_BIT(luaL_checkinteger(L, index));
    snprintf(name, sizeof(name), "tool %zu", i);
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.user = &tools[i];
    callbacks.event = on_event;
    if (vmprof_register_tool(name, &callbacks, &tools[i].tool) ||
        vmprof_set_events(tools[i].tool, events))
        return luaL_error(L, "the tool was not registered");
    lua_pushinteger(L, (lua_Integer)i);
    return 1;
}

static struct tool *
check_tool(lua_State *L)
{
    const lua_Integer i = luaL_checkinteger(L, 1);

    luaL_argcheck(L, i >= 0 && i < MOST_TOOLS, 1, "no tool");
    return &tools[i];
}

static int
drop(lua_State *L)
{
    vmprof_unregister_tool(check_tool(L)->tool);
    return 0;
}

static int
calls(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)atomic_load(&check_tool(L)->calls));
    return 1;
}

static int
seen(lua_State *L)
{
    lua_pushstring(L, check_tool(L)->seen);
    return 1;
}

/* Which callbacks are thought to run on this thread. */
static int
running(lua_State *L)
{
    const struct vmprof_thread *const thread = vmprof_current_thread();

    lua_pushinteger(L,
                    thread ? (lua_Integer)vmprof_running_callbacks(thread) : 0);
    return 1;
}

static lua_Integer hook_calls;
static lua_Hook beneath;

static void
count_hook(lua_State *L, lua_Debug *activation)
{
    hook_calls++;
    if (beneath)
        beneath(L, activation);
}

/* (mask, count, whether the hook before is called too) */
static int
sethook(lua_State *L)
{
    const int mask = (int)luaL_checkinteger(L, 1);

    beneath = lua_toboolean(L, 3) ? lua_gethook(L) : NULL;
    lua_sethook(L, mask ? count_hook : NULL, mask,
                (int)luaL_checkinteger(L, 2));
    return 0;
}

/* How often it was called since. */
static int
take_hook_calls(lua_State *L)
{
    lua_pushinteger(L, hook_calls);
    hook_calls = 0;
    return 1;
}

static void
empty_hook(lua_State *L, lua_Debug *activation)
{
    (void)L;
    (void)activation;
}

/* One that does nothing, to compare the cost with. */
static int
set_empty_hook(lua_State *L)
{
    const int mask = (int)luaL_checkinteger(L, 1);

    lua_sethook(L, mask ? empty_hook : NULL, mask, 0);
    return 0;
}

static int
is_hooked(lua_State *L)
{
    lua_pushboolean(L, lua_gethook(L) != NULL);
    return 1;
}

/* A coroutine that C code makes, resumes and closes. */
static int
run_in_coroutine(lua_State *L)
{
    lua_State *const coroutine = lua_newthread(L);
    int results;
    int status;

    lua_pushvalue(L, 1);
    lua_xmove(L, coroutine, 1);
    status = lua_resume(coroutine, L, 0, &results);
    lua_pushinteger(L, status);
    return 1;
}

static const luaL_Reg functions[] = {
    { "add", add },
    { "drop", drop },
    { "calls", calls },
    { "seen", seen },
    { "running", running },
    { "sethook", sethook },
    { "hook_calls", take_hook_calls },
    { "set_empty_hook", set_empty_hook },
    { "is_hooked", is_hooked },
    { "run_in_coroutine", run_in_coroutine },
    { NULL, NULL },
};

VMPROF_API int
luaopen_lua_tool(lua_State *L);

int
luaopen_lua_tool(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
