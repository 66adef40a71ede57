/* SPDX-License-Identifier: MIT */

/*
 * What LuaJIT says while it records a trace: where it begins, and before each
 * bytecode where that stands. How many operations there are by then tells later
 * which of them came from it.
 */
#include "traces.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

enum {
    WHAT = 1,
    /* Of start and abort. */
    NUMBER = 2,
    FUNCTION = 3,
    BYTECODE = 4,
    PARENT = 5,
    EXIT = 6,
    ERROR = 5,
    ERROR_DETAIL = 6,
    /* Of a step. */
    STEP_NUMBER = 1,
    STEP_FUNCTION = 2,
    STEP_BYTECODE = 3,
    STEP_DEPTH = 4,
};

/* Make room for one more, doubling. */
static bool
grow(void *items, size_t count, size_t *room, size_t size)
{
    void **const at = items;
    void *grown;

    if (count < *room)
        return true;
    grown = realloc(*at, (*room ? 2 * *room : 64) * size);
    if (!grown)
        return false;
    *at = grown;
    *room = *room ? 2 * *room : 64;
    return true;
}

static uint32_t
line_of(lua_State *L, const struct traces *traces, int function, int bytecode)
{
    const int top = lua_gettop(L);
    uint32_t line = 0;

    vmprof_luajit_push_util(L, traces, "funcinfo");
    lua_pushvalue(L, function);
    lua_pushvalue(L, bytecode);
    if (lua_pcall(L, 2, 1, 0) == 0 && lua_istable(L, -1))
        line = vmprof_luajit_field(L, "currentline");
    lua_settop(L, top);
    return line;
}

static vmprof_code_id
code_of(lua_State *L, int function)
{
    lua_pushvalue(L, function);
    return vmprof_luajit_value_id(L);
}

static uint64_t
offset_of(lua_State *L, int bytecode)
{
    const lua_Integer offset = lua_tointeger(L, bytecode);

    return offset > 0 ? (uint64_t)offset : 0;
}

/* The frames beneath are what they are now, for as long as it runs. */
static void
keep_stack(lua_State *L, struct recording *recording)
{
    free(recording->stack);
    recording->stack = NULL;
    recording->depth = 0;
    vmprof_luajit_copy_stack(L, 1, &recording->stack, &recording->depth);
}

void
vmprof_luajit_recording_begin(lua_State *L, struct traces *traces)
{
    struct recording *const recording = &traces->recording;
    const bool is_side = lua_isnumber(L, PARENT) && lua_tointeger(L, EXIT) >= 0;

    recording->number = (uint32_t)lua_tointeger(L, NUMBER);
    recording->parent = is_side ? (uint32_t)lua_tointeger(L, PARENT) : 0;
    recording->exit = is_side ? (uint32_t)lua_tointeger(L, EXIT) : 0;
    recording->place_count = recording->step_count = 0;
    /* LuaJIT has collected the trace that had this number. */
    if (recording->number < MAX_TRACES)
        vmprof_luajit_traces_remove(traces, recording->number);
}

void
vmprof_luajit_recording_describe(lua_State *L, struct traces *traces)
{
    struct recording *const recording = &traces->recording;

    recording->code = code_of(L, FUNCTION);
    recording->offset = offset_of(L, BYTECODE);
    recording->line = line_of(L, traces, FUNCTION, BYTECODE);
    memset(recording->at_depth, 0, sizeof(recording->at_depth));
    keep_stack(L, recording);
}

static bool
is_same(const struct vmprof_trace_place *a, const struct vmprof_trace_place *b)
{
    return a->code == b->code && a->offset == b->offset &&
           a->parent == b->parent;
}

/* The index of a place, or -1: no memory. */
static long
add_place(struct recording *recording, const struct vmprof_trace_place *place)
{
    const size_t count = recording->place_count;

    if (count && is_same(&recording->places[count - 1], place))
        return (long)count - 1;
    if (!grow(&recording->places, count, &recording->place_room,
              sizeof(*place)))
        return -1;
    recording->places[count] = *place;
    recording->place_count++;
    return (long)count;
}

static uint32_t
operations_of(lua_State *L, const struct traces *traces, int number)
{
    const int top = lua_gettop(L);
    uint32_t operations = 0;

    vmprof_luajit_push_util(L, traces, "traceinfo");
    lua_pushvalue(L, number);
    if (lua_pcall(L, 1, 1, 0) == 0 && lua_istable(L, -1))
        operations = vmprof_luajit_field(L, "nins");
    lua_settop(L, top);
    return operations;
}

void
vmprof_luajit_recording_step(lua_State *L, struct traces *traces)
{
    struct recording *const recording = &traces->recording;
    const lua_Integer told = lua_tointeger(L, STEP_DEPTH);
    const size_t depth = told < 0           ? 0
                         : told < MAX_DEPTH ? (size_t)told
                                            : MAX_DEPTH - 1;
    struct vmprof_trace_place place = {
        .code = code_of(L, STEP_FUNCTION),
        .offset = offset_of(L, STEP_BYTECODE),
        .parent = depth ? recording->at_depth[depth - 1] : 0,
    };
    long index;

    if (recording->number != (uint32_t)lua_tointeger(L, STEP_NUMBER))
        return;
    place.line = line_of(L, traces, STEP_FUNCTION, STEP_BYTECODE);
    index = add_place(recording, &place);
    if (index < 0 || !grow(&recording->steps, recording->step_count,
                           &recording->step_room, sizeof(struct step)))
        return;
    recording->at_depth[depth] = (uint32_t)index + 1;
    recording->steps[recording->step_count++] = (struct step){
        .operations = operations_of(L, traces, STEP_NUMBER),
        .place = (uint32_t)index,
    };
}

/* Push what LuaJIT's own tools say for an error of the recorder. */
static void
push_reason(lua_State *L, const struct traces *traces)
{
    const char *detail;

    if (lua_type(L, ERROR) != LUA_TNUMBER) {
        lua_pushvalue(L, ERROR);
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, traces->reasons);
    if (!lua_istable(L, -1))
        return;
    lua_rawgeti(L, -1, (int)lua_tointeger(L, ERROR));
    if (lua_type(L, -1) != LUA_TSTRING)
        return;
    detail = lua_type(L, ERROR_DETAIL) == LUA_TNUMBER ||
                     lua_type(L, ERROR_DETAIL) == LUA_TSTRING
                 ? lua_tostring(L, ERROR_DETAIL)
                 : "a function";
    luaL_gsub(L, lua_tostring(L, -1), "%d", detail);
    luaL_gsub(L, lua_tostring(L, -1), "%s", detail);
}

void
vmprof_luajit_recording_abort(lua_State *L, struct traces *traces)
{
    struct recording *const recording = &traces->recording;
    const char *reason;

    push_reason(L, traces);
    reason = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    vmprof_abort_trace(0, recording->code, recording->line, reason);
    recording->number = 0;
    traces->aborted++;
}

void
vmprof_luajit_recording_free(struct recording *recording)
{
    free(recording->places);
    free(recording->steps);
    free(recording->stack);
}
