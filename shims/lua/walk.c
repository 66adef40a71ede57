/* SPDX-License-Identifier: MIT */

/*
 * Walk the running coroutine and those that wait for it, and hand the stack to
 * the library. Runs in the hook, where every function of Lua may be called.
 */
#include "state.h"
#include "step.h"

#include <stdlib.h>

/* Frames are found leaf first, and put from the end of the array on. */
struct walk {
    lua_State *runner;
    struct vmprof_walked_frame *frames;
    size_t limit, count, cut;
};

static void
add(struct walk *walk, vmprof_code_id code, enum vmprof_kind kind, int line)
{
    struct vmprof_walked_frame *frame;

    if (walk->count == walk->limit) {
        walk->cut++;
        return;
    }
    frame = &walk->frames[walk->limit - ++walk->count];
    frame->code = code;
    frame->offset = 0;
    frame->line = line > 0 ? (uint32_t)line : 0;
    frame->kind = kind;
}

static void
add_activation(struct walk *walk, lua_State *L, lua_Debug *activation)
{
    enum vmprof_kind kind = VMPROF_KIND_CODE;

    if (walk->count == walk->limit) {
        walk->cut++;
        return;
    }
    lua_getinfo(L, "Slut", activation);
    if (*activation->what == 'C')
        kind = VMPROF_KIND_NATIVE;
    add(walk, vmprof_lua_function_id(walk->runner, L, activation), kind,
        activation->currentline);
    if (activation->istailcall)
        add(walk, vmprof_lua_tail_call_id(), VMPROF_KIND_CODE, 0);
}

static void
walk_coroutine(struct walk *walk, lua_State *L, int level)
{
    lua_Debug activation;

    if (!lua_getstack(L, level, &activation))
        return;
    do
        add_activation(walk, L, &activation);
    while (vmprof_lua_step(L, &activation, ++level));
}

/* On a call the callee has only begun: what was sampled is its caller. */
static void
walk_levels(struct walk *walk, const struct level *level, int event)
{
    int first = event == LUA_HOOKCALL;

    for (; level; level = level->below) {
        walk_coroutine(walk, level->state, first);
        first = 0;
    }
}

static bool
have_frames(struct profiled_state *state)
{
    const size_t limit = vmprof_lua_frame_limit();
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

void
vmprof_lua_sample(struct profiled_state *state, int event)
{
    struct vmprof_thread *thread = vmprof_current_thread();
    struct walk walk = { .runner = state->top->state };

    if (!thread || !have_frames(state))
        return;
    walk.frames = state->frames;
    walk.limit = state->frame_limit;
    walk_levels(&walk, state->top, event);
    vmprof_sample_stack(thread, walk.frames + walk.limit - walk.count,
                        walk.count, walk.cut);
}
