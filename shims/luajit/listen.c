/* SPDX-License-Identifier: MIT */

/*
 * The events of the JIT compiler. There is room for one handler of each: the
 * program's own for the events of traces, as jit.v and jit.dump attach them, is
 * called after ours.
 */
#include "edges.h"
#include "traces.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <luajit.h>

static struct traces *
upvalue_traces(lua_State *L)
{
    const struct profiled_state *const state =
        lua_touserdata(L, lua_upvalueindex(1));

    return state->traces;
}

/* Of the trace that is being recorded. */
static struct jit_trace *
parent_of(struct traces *traces)
{
    const uint32_t parent = traces->recording.parent;

    return parent && parent < MAX_TRACES ? traces->by_number[parent] : NULL;
}

/* LuaJIT has to find its own machine code where it links a side trace. */
static void
show_parent(struct traces *traces, bool are_told)
{
    struct jit_trace *const parent = parent_of(traces);

    if (parent && traces->is_attached)
        vmprof_luajit_edges_show(parent, are_told);
}

/* One of its branches may go elsewhere now. */
static void
make_parent(lua_State *L, struct traces *traces, struct jit_trace *parent)
{
    if (parent && traces->is_attached)
        vmprof_luajit_edges_make(L, traces, parent);
}

static struct jit_trace *
add_trace(lua_State *L, struct traces *traces, uint32_t number)
{
    struct jit_trace *trace = NULL;

    if (number && number < MAX_TRACES && number == traces->recording.number)
        trace = vmprof_luajit_describe(L, traces, number);
    if (!trace) {
        traces->unknown++;
        return NULL;
    }
    vmprof_luajit_traces_add(traces, trace);
    traces->registered++;
    return trace;
}

static void
stopped(lua_State *L, struct traces *traces)
{
    struct jit_trace *const parent = parent_of(traces);
    struct jit_trace *const trace =
        add_trace(L, traces, (uint32_t)lua_tointeger(L, 2));

    if (trace && parent && trace->exit < parent->exit_count)
        vmprof_stitch_bridge(parent->ids.first_guard + trace->exit,
                             trace->ids.id);
    if (traces->is_attached && traces->emits != vmprof_wanted_emits()) {
        /* Those that there are have to agree. */
        vmprof_luajit_traces_make_edges(L, traces);
        return;
    }
    if (trace && traces->is_attached)
        vmprof_luajit_edges_make(L, traces, trace);
    make_parent(L, traces, parent);
}

static void
flushed(struct traces *traces)
{
    vmprof_luajit_traces_clear(traces);
    vmprof_luajit_edges_flush(traces->edges);
    traces->recording.number = 0;
}

static void
hear(lua_State *L, struct traces *traces, const char *what)
{
    if (strcmp(what, "flush") == 0) {
        flushed(traces);
        return;
    }
    if (traces->is_attached)
        vmprof_luajit_edges_settle(L, traces);
    if (strcmp(what, "start") == 0) {
        vmprof_luajit_recording_begin(L, traces);
        show_parent(traces, false);
        vmprof_luajit_recording_describe(L, traces);
    } else if (strcmp(what, "stop") == 0) {
        stopped(L, traces);
    } else if (strcmp(what, "abort") == 0) {
        vmprof_luajit_recording_abort(L, traces);
        show_parent(traces, true);
    }
}

/* Errors of the program's handler are the program's. */
static int
call_program(lua_State *L, const struct traces *traces)
{
    if (traces->handler == LUA_NOREF)
        return 0;
    lua_rawgeti(L, LUA_REGISTRYINDEX, traces->handler);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

static int
on_trace(lua_State *L)
{
    struct traces *const traces = upvalue_traces(L);
    const int top = lua_gettop(L);

    if (!traces)
        return 0;
    if (lua_type(L, 1) == LUA_TSTRING)
        hear(L, traces, lua_tostring(L, 1));
    lua_settop(L, top);
    return call_program(L, traces);
}

static int
on_record(lua_State *L)
{
    struct traces *const traces = upvalue_traces(L);

    if (traces)
        vmprof_luajit_recording_step(L, traces);
    return 0;
}

/* jit.attach() as if ours were not there. Upvalues: the state, the original. */
static int
attach_program(lua_State *L)
{
    struct traces *const traces = upvalue_traces(L);
    const char *const event = lua_tostring(L, 2);

    if (traces && lua_isfunction(L, 1) && event &&
        strcmp(event, "trace") == 0) {
        luaL_unref(L, LUA_REGISTRYINDEX, traces->handler);
        lua_pushvalue(L, 1);
        traces->handler = luaL_ref(L, LUA_REGISTRYINDEX);
        return 0;
    }
    if (traces && lua_isfunction(L, 1) && lua_isnoneornil(L, 2) &&
        traces->handler != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, traces->handler);
        if (lua_rawequal(L, 1, -1)) {
            luaL_unref(L, LUA_REGISTRYINDEX, traces->handler);
            traces->handler = LUA_NOREF;
        }
        lua_pop(L, 1);
    }
    lua_pushvalue(L, lua_upvalueindex(2));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

/* Push require(name), or return false with nothing pushed. */
static bool
push_module(lua_State *L, const char *name)
{
    lua_getglobal(L, "require");
    lua_pushstring(L, name);
    if (lua_pcall(L, 1, 1, 0) == 0 && lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

/* The function is on top of the stack; it is popped. */
static void
attach_handler(lua_State *L, int attach, const char *event)
{
    lua_pushvalue(L, attach);
    lua_insert(L, -2);
    lua_pushstring(L, event);
    lua_call(L, 2, 0);
}

static void
push_with_state(lua_State *L, lua_CFunction function)
{
    vmprof_luajit_push_state(L);
    lua_pushcclosure(L, function, 1);
}

/* What the program had attached before us goes on. LuaJIT keeps it in the
   registry, by a hash of the event's name. */
static void
keep_program_handler(lua_State *L, struct traces *traces)
{
    static const uint32_t key = 0x96c8a338; /* 0xb2d91467 << 3 */
    const int top = lua_gettop(L);

    traces->handler = LUA_NOREF;
    lua_getfield(L, LUA_REGISTRYINDEX, "_VMEVENTS");
    if (lua_istable(L, -1)) {
        lua_rawgeti(L, -1, (int)key);
        if (lua_isfunction(L, -1))
            traces->handler = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_settop(L, top);
}

static int
find_loop_operation(lua_State *L)
{
    size_t size = 0;
    const char *names;
    int found = -1;

    lua_getfield(L, -1, "irnames");
    names = lua_tolstring(L, -1, &size);
    for (size_t i = 0; names && found < 0 && i + 6 <= size; i += 6)
        if (memcmp(names + i, "LOOP  ", 6) == 0)
            found = (int)(i / 6);
    lua_pop(L, 1);
    return found;
}

/* LuaJIT's tables for its own tools need not be installed. */
static void
read_definitions(lua_State *L, struct traces *traces)
{
    traces->reasons = LUA_NOREF;
    traces->loop_operation = -1;
    if (!push_module(L, "jit.vmdef"))
        return;
    traces->loop_operation = find_loop_operation(L);
    lua_getfield(L, -1, "traceerr");
    traces->reasons = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pop(L, 1);
}

static void
listen(lua_State *L)
{
    const int jit = lua_gettop(L);

    lua_getfield(L, jit, "attach");
    push_with_state(L, on_trace);
    attach_handler(L, jit + 1, "trace");
    push_with_state(L, on_record);
    attach_handler(L, jit + 1, "record");
    vmprof_luajit_push_state(L);
    lua_pushvalue(L, jit + 1);
    lua_pushcclosure(L, attach_program, 2);
    lua_setfield(L, jit, "attach");
    lua_settop(L, jit);
}

/* Whether there is a JIT compiler; then jit is on the stack, and jit.util. */
static bool
push_jit(lua_State *L)
{
    if (!push_module(L, "jit"))
        return false;
    if (push_module(L, "jit.util")) {
        lua_getfield(L, -1, "tracemc");
        if (lua_isfunction(L, -1)) {
            lua_pop(L, 1);
            return true;
        }
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    return false;
}

static struct traces *
new_traces(lua_State *L, struct profiled_state *state)
{
    struct traces *const traces = calloc(1, sizeof(*traces));

    if (!traces)
        return NULL;
    traces->state = state;
    traces->edges = vmprof_luajit_edges_new(L, traces);
    if (!traces->edges) {
        free(traces);
        return NULL;
    }
    lua_pushvalue(L, -1);
    traces->util = luaL_ref(L, LUA_REGISTRYINDEX);
    read_definitions(L, traces);
    keep_program_handler(L, traces);
    return traces;
}

static void
attach_first(lua_State *L, struct profiled_state *state)
{
    if (!push_jit(L))
        return;
    state->traces = new_traces(L, state);
    lua_pop(L, 1);
    if (!state->traces)
        return;
    state->traces->is_attached = true;
    state->traces->emits = vmprof_wanted_emits();
    listen(L);
    /* The traces that there were until now are made anew, so that we hear of
       them. */
    luaJIT_setmode(L, 0, LUAJIT_MODE_ENGINE | LUAJIT_MODE_FLUSH);
}

void
vmprof_luajit_traces_attach(lua_State *L, struct profiled_state *state)
{
    const int top = lua_gettop(L);
    struct traces *const traces = state->traces;

    if (!traces) {
        attach_first(L, state);
    } else if (!traces->is_attached) {
        traces->is_attached = true;
        vmprof_luajit_traces_make_edges(L, traces);
    }
    lua_settop(L, top);
}

void
vmprof_luajit_traces_make_edges(lua_State *L, struct traces *traces)
{
    if (!traces || !traces->is_attached)
        return;
    traces->emits = vmprof_wanted_emits();
    for (uint32_t i = 0; i < MAX_TRACES; i++)
        if (traces->by_number[i])
            vmprof_luajit_edges_make(L, traces, traces->by_number[i]);
    /* Not while LuaJIT is about to look at it. */
    if (traces->recording.number)
        show_parent(traces, false);
}

void
vmprof_luajit_traces_update(lua_State *L, struct traces *traces)
{
    if (traces && traces->emits != vmprof_wanted_emits())
        vmprof_luajit_traces_make_edges(L, traces);
}

void
vmprof_luajit_traces_detach(struct traces *traces)
{
    if (!traces || !traces->is_attached)
        return;
    for (uint32_t i = 0; i < MAX_TRACES; i++)
        if (traces->by_number[i])
            vmprof_luajit_edges_show(traces->by_number[i], false);
    traces->is_attached = false;
}
