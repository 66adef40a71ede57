/* SPDX-License-Identifier: MIT */

/* What jit.util tells of a trace that was just finished. */
#include "edges.h"
#include "traces.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

void
vmprof_luajit_push_util(lua_State *L, const struct traces *traces,
                        const char *name)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, traces->util);
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

uint32_t
vmprof_luajit_field(lua_State *L, const char *name)
{
    uint32_t value;

    lua_getfield(L, -1, name);
    value = (uint32_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return value;
}

/* Call a function of jit.util with a trace's number and perhaps an index. */
static bool
ask(lua_State *L, const struct traces *traces, const char *name,
    uint32_t number, long index, int results)
{
    const int top = lua_gettop(L);

    vmprof_luajit_push_util(L, traces, name);
    lua_pushinteger(L, (lua_Integer)number);
    if (index >= 0)
        lua_pushinteger(L, index);
    if (lua_pcall(L, index >= 0 ? 2 : 1, results, 0) == 0 &&
        !lua_isnil(L, top + 1))
        return true;
    lua_settop(L, top);
    return false;
}

static enum link_type
link_type_of(const struct jit_trace *trace, const char *name)
{
    if (trace->link == trace->number)
        return LINK_LOOP;
    if (trace->link)
        return LINK_ROOT;
    if (name && strcmp(name, "return") == 0)
        return LINK_RETURN;
    return LINK_INTERPRETER;
}

static bool
read_info(lua_State *L, const struct traces *traces, struct jit_trace *trace)
{
    if (!ask(L, traces, "traceinfo", trace->number, -1, 1))
        return false;
    trace->link = vmprof_luajit_field(L, "link");
    trace->exit_count = vmprof_luajit_field(L, "nexit");
    lua_getfield(L, -1, "linktype");
    trace->link_type = link_type_of(trace, lua_tostring(L, -1));
    lua_pop(L, 2);
    return trace->link < MAX_TRACES;
}

static bool
read_code(lua_State *L, const struct traces *traces, struct jit_trace *trace)
{
    const int top = lua_gettop(L);

    if (!ask(L, traces, "tracemc", trace->number, -1, 3))
        return false;
    trace->size = lua_objlen(L, top + 1);
    trace->code = (uint8_t *)(uintptr_t)lua_tonumber(L, top + 2);
    trace->loop_offset = (size_t)lua_tointeger(L, top + 3);
    lua_settop(L, top);
    return trace->code && trace->size;
}

/* Which operation an exit goes back to the bytecode of. */
static uint32_t
operation_of_exit(lua_State *L, const struct traces *traces, uint32_t number,
                  uint32_t exit)
{
    uint32_t operation;

    if (!ask(L, traces, "tracesnap", number, exit, 1))
        return 0;
    lua_rawgeti(L, -1, 0);
    operation = (uint32_t)lua_tointeger(L, -1);
    lua_pop(L, 2);
    return operation;
}

/* 1 + the index of the place that operations from a number on came from. */
static uint32_t
place_of(const struct recording *recording, uint32_t operation)
{
    uint32_t place = 0;

    for (size_t i = 0; i < recording->step_count &&
                       recording->steps[i].operations < operation;
         i++)
        place = recording->steps[i].place + 1;
    return place;
}

/* The operation that begins the copy of a loop's body; UINT32_MAX: none. */
static uint32_t
find_loop(lua_State *L, const struct traces *traces,
          const struct jit_trace *trace)
{
    const int top = lua_gettop(L);
    uint32_t found = UINT32_MAX;

    if (!trace->loop_offset || traces->loop_operation < 0)
        return found;
    for (uint32_t i = 1;
         found == UINT32_MAX && ask(L, traces, "traceir", trace->number, i, 2);
         i++) {
        if (lua_tointeger(L, top + 2) >> 8 == traces->loop_operation)
            found = i;
        lua_settop(L, top);
    }
    return found;
}

/* Where each exit goes back to, as 1 + index of a place. A loop's body is there
   twice; in its copy the exits are as in the original, in the same order, from
   which some may be missing at the front. */
static void
place_exits(lua_State *L, const struct traces *traces,
            const struct jit_trace *trace, struct vmprof_trace_guard *guards)
{
    const struct recording *const recording = &traces->recording;
    const uint32_t loop = find_loop(L, traces, trace);
    const uint32_t count = trace->exit_count;
    uint32_t copies = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t operation =
            operation_of_exit(L, traces, trace->number, i);

        if (operation > loop)
            copies++;
        guards[i].place = place_of(recording, operation);
    }
    for (uint32_t i = count - copies; i < count; i++)
        if (i >= copies)
            guards[i].place = guards[i - copies].place;
}

static int
compare_offsets(const void *a, const void *b)
{
    const struct vmprof_trace_guard *const one = a, *const other = b;

    return (one->offset > other->offset) - (one->offset < other->offset);
}

enum {
    BRANCH_SIZE = 6,
};

/* What comes before an exit's branch is of the bytecode that it goes back to. */
static size_t
make_positions(const struct vmprof_trace_guard *guards, size_t count,
               struct vmprof_trace_guard *sorted,
               struct vmprof_trace_position *positions)
{
    size_t position_count = 0;
    uint32_t from = 0;

    memcpy(sorted, guards, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), compare_offsets);
    for (size_t i = 0; i < count; i++) {
        if (!sorted[i].offset || !sorted[i].place)
            continue;
        positions[position_count++] = (struct vmprof_trace_position){
            .offset = from,
            .place = sorted[i].place - 1,
        };
        from = sorted[i].offset + BRANCH_SIZE;
    }
    return position_count;
}

/* Its parent's guard is where a side trace begins. */
static void
set_relations(const struct traces *traces, const struct jit_trace *trace,
              struct vmprof_trace *told)
{
    const struct jit_trace *const parent = traces->by_number[trace->parent];
    const struct jit_trace *const link = traces->by_number[trace->link];

    told->kind = trace->parent                     ? VMPROF_TRACE_BRIDGE
                 : trace->link_type == LINK_LOOP   ? VMPROF_TRACE_LOOP
                 : trace->link_type == LINK_RETURN ? VMPROF_TRACE_METHOD
                                                   : VMPROF_TRACE_ENTRY_BRIDGE;
    if (trace->link_type == LINK_LOOP)
        told->end = VMPROF_END_LOOP;
    else if (trace->link_type == LINK_RETURN)
        told->end = VMPROF_END_RETURN;
    else if (trace->link_type == LINK_INTERPRETER)
        told->end = VMPROF_END_INTERPRETER;
    else if (link) {
        told->end = VMPROF_END_JUMP;
        told->target = link->ids.id;
    }
    if (parent && trace->exit < parent->exit_count)
        told->guard = parent->ids.first_guard + trace->exit;
}

static int
tell(const struct traces *traces, const struct jit_trace *trace,
     const struct vmprof_trace_guard *guards,
     const struct vmprof_trace_position *positions, size_t position_count)
{
    const struct recording *const recording = &traces->recording;
    struct vmprof_trace told;

    vmprof_trace_init(&told);
    told.code = recording->code;
    told.offset = recording->offset;
    told.line = recording->line;
    told.address = trace->code;
    told.length = trace->size;
    told.loop_offset = trace->loop_offset;
    told.emits = vmprof_wanted_emits();
    told.places = recording->places;
    told.place_count = recording->place_count;
    told.positions = positions;
    told.position_count = position_count;
    told.guards = guards;
    told.guard_count = trace->exit_count;
    set_relations(traces, trace, &told);
    return vmprof_register_trace(trace->ids.id, &told);
}

static int
tell_exits(lua_State *L, struct traces *traces, const struct jit_trace *trace)
{
    const size_t count = trace->exit_count;
    struct vmprof_trace_guard *const guards =
        calloc(2 * count + 1, sizeof(*guards));
    struct vmprof_trace_position *const positions =
        calloc(count + 1, sizeof(*positions));
    uint32_t *const offsets = calloc(count + 1, sizeof(*offsets));
    size_t position_count;
    int r = -ENOMEM;

    if (guards && positions && offsets) {
        vmprof_luajit_edges_find_exits(L, traces, trace, offsets);
        place_exits(L, traces, trace, guards);
        for (size_t i = 0; i < count; i++)
            guards[i].offset = offsets[i];
        position_count =
            make_positions(guards, count, guards + count, positions);
        r = tell(traces, trace, guards, positions, position_count);
    }
    free(guards);
    free(positions);
    free(offsets);
    return r;
}

static void
take_recording(struct jit_trace *trace, struct traces *traces)
{
    struct recording *const recording = &traces->recording;
    const struct jit_trace *const parent = traces->by_number[recording->parent];

    trace->parent = recording->parent;
    trace->exit = recording->exit;
    trace->root = parent ? parent->root : trace->number;
    trace->stack = recording->stack;
    trace->depth = recording->depth;
    recording->stack = NULL;
    recording->depth = 0;
    recording->number = 0;
}

struct jit_trace *
vmprof_luajit_describe(lua_State *L, struct traces *traces, uint32_t number)
{
    struct jit_trace *const trace = calloc(1, sizeof(*trace));

    if (!trace)
        return NULL;
    trace->number = number;
    take_recording(trace, traces);
    if (read_info(L, traces, trace) && read_code(L, traces, trace) &&
        vmprof_reserve_trace(trace->exit_count, &trace->ids) == 0) {
        if (tell_exits(L, traces, trace) == 0)
            return trace;
        vmprof_abort_trace(trace->ids.id, 0, 0, "not registered");
    }
    free(trace->stack);
    free(trace);
    return NULL;
}
