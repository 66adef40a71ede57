/* SPDX-License-Identifier: MIT */

/*
 * Walk the running coroutine and hand its stack to the library. Runs in the
 * hook of LuaJIT's profiler, where functions of Lua may be called.
 */
#include "traces.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEEPEST = 1 << 20,
};

/* Frames are found leaf first, and put from the end of the array on. */
struct walk {
    lua_State *L;
    struct vmprof_walked_frame *frames;
    size_t limit, count;
    bool is_compiled; /* the function that runs */
};

static void
add(struct walk *walk, lua_Debug *activation)
{
    struct vmprof_walked_frame *const frame =
        &walk->frames[walk->limit - ++walk->count];
    const bool is_c = lua_getinfo(walk->L, "Slu", activation) == 0 ||
                      *activation->what == 'C';

    frame->code = vmprof_luajit_function_id(walk->L, activation);
    frame->offset = 0;
    frame->line =
        activation->currentline > 0 ? (uint32_t)activation->currentline : 0;
    frame->kind = is_c                ? VMPROF_KIND_NATIVE
                  : walk->is_compiled ? VMPROF_KIND_JITTED
                                      : VMPROF_KIND_CODE;
    walk->is_compiled = false;
}

/* How many frames there are beyond those below `level`. Levels that do not
   exist cost no more than the last that does. */
static size_t
count_beyond(lua_State *L, int level)
{
    lua_Debug activation;
    int low = level, high = level;

    while (high < DEEPEST && lua_getstack(L, high, &activation)) {
        low = high;
        high = 2 * high + 1;
    }
    while (low + 1 < high) {
        const int middle = low + (high - low) / 2;

        if (lua_getstack(L, middle, &activation))
            low = middle;
        else
            high = middle;
    }
    return lua_getstack(L, low, &activation) ? (size_t)(low - level) + 1 : 0;
}

static size_t
walk_stack(struct walk *walk, int level)
{
    lua_Debug activation;

    while (lua_getstack(walk->L, level, &activation)) {
        if (walk->count == walk->limit)
            return count_beyond(walk->L, level);
        add(walk, &activation);
        level++;
    }
    return 0;
}

static bool
have_frames(struct profiled_state *state)
{
    const size_t limit = vmprof_luajit_frame_limit();
    struct vmprof_walked_frame *frames;

    if (state->frame_limit == limit)
        return true;
    frames = realloc(state->frames, limit * sizeof(*frames));
    if (frames) {
        state->frames = frames;
        state->frame_limit = limit;
    }
    return frames;
}

/* As LuaJIT's profiler names what the virtual machine was doing. */
static enum vmprof_phase
phase_of(int vmstate)
{
    switch (vmstate) {
    case 'N':
        return VMPROF_PHASE_COMPILED;
    case 'C':
        return VMPROF_PHASE_NATIVE;
    case 'G':
        return VMPROF_PHASE_GC;
    case 'J':
        return VMPROF_PHASE_TRACING;
    default:
        return VMPROF_PHASE_INTERPRETING;
    }
}

struct request {
    struct profiled_state *state;
    int vmstate;
};

/* Level 0 is this function. */
static int
take_sample(lua_State *L)
{
    const struct request *const request = lua_touserdata(L, 1);
    struct profiled_state *const state = request->state;
    struct walk walk = {
        .L = L,
        .frames = state->frames,
        .limit = state->frame_limit,
        .is_compiled = request->vmstate == 'N',
    };
    enum vmprof_phase before;
    size_t cut;

    state->frame_count = 0;
    cut = walk_stack(&walk, 1);
    state->frame_count = walk.count;
    before = vmprof_set_phase(state->thread, phase_of(request->vmstate));
    vmprof_sample_stack(state->thread, walk.frames + walk.limit - walk.count,
                        walk.count, cut);
    vmprof_set_phase(state->thread, before);
    return 0;
}

void
vmprof_luajit_sample(struct profiled_state *state, lua_State *L, int vmstate)
{
    struct request request = { state, vmstate };

    if (!state->thread || state->thread != vmprof_current_thread() ||
        !have_frames(state))
        return;
    /* An error would be the program's: that its stack, which we need a little
       of, is as large as it may be. The next tick asks again. */
    if (lua_cpcall(L, take_sample, &request))
        lua_pop(L, 1);
}

/* Compiled code comes to no safe point, but what is beneath it stays as it is
   meanwhile: as at the last safe point, if the function that the trace began in
   was on the stack there, else as when the trace was recorded. */
void
vmprof_luajit_sample_trace(struct profiled_state *state)
{
    const struct jit_trace *const trace = vmprof_luajit_running(state);
    const struct vmprof_walked_frame *frames;
    vmprof_code_id code;
    size_t count;

    if (!trace || !trace->depth)
        return;
    code = trace->stack[trace->depth - 1].code;
    frames = state->frames + state->frame_limit - state->frame_count;
    count = state->frame_count;
    while (count && frames[count - 1].code != code)
        count--;
    if (!count) {
        frames = trace->stack;
        count = trace->depth;
    }
    __atomic_store_n(&state->thread->trace, trace->ids.id, __ATOMIC_RELAXED);
    vmprof_sample_stack(state->thread, frames, count, 0);
    __atomic_store_n(&state->thread->trace, 0, __ATOMIC_RELAXED);
}

void
vmprof_luajit_copy_stack(lua_State *L, int level,
                         struct vmprof_walked_frame **stack, size_t *depth)
{
    struct walk walk = { .L = L, .limit = vmprof_luajit_frame_limit() };

    walk.frames = calloc(walk.limit, sizeof(*walk.frames));
    if (!walk.frames)
        return;
    walk_stack(&walk, level);
    *stack = walk.frames;
    *depth = walk.count;
    memmove(walk.frames, walk.frames + walk.limit - walk.count,
            walk.count * sizeof(*walk.frames));
    if (walk.count) {
        walk.frames = realloc(*stack, walk.count * sizeof(*walk.frames));
        if (walk.frames)
            *stack = walk.frames;
    }
}
