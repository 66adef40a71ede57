/* SPDX-License-Identifier: MIT */

/*
 * Who runs in a coroutine, as its calls and returns tell. Lua has no hook for a
 * function that is left by an error; but whoever caught it returns or calls next,
 * and what was above that one is gone.
 */
#include "events.h"
#include "step.h"

#include <stdlib.h>

enum {
    FIRST_ROOM = 32,
};

bool
vmprof_lua_push_frame(struct hooked *hooked, const struct seen_frame *frame)
{
    if (hooked->count == hooked->room) {
        const size_t room = hooked->room ? 2 * hooked->room : FIRST_ROOM;
        struct seen_frame *const frames =
            realloc(hooked->frames, room * sizeof(*frames));

        if (!frames)
            return false;
        hooked->frames = frames;
        hooked->room = room;
    }
    hooked->frames[hooked->count++] = *frame;
    return true;
}

struct seen_frame *
vmprof_lua_frame(const struct hooked *hooked, size_t level)
{
    return level < hooked->count ? &hooked->frames[hooked->count - 1 - level]
                                 : NULL;
}

void
vmprof_lua_forget_frames(struct hooked *hooked)
{
    free(hooked->frames);
    hooked->frames = NULL;
    hooked->count = hooked->room = 0;
    hooked->has_frames = false;
}

static void
reverse(struct hooked *hooked)
{
    for (size_t i = 0; i < hooked->count / 2; i++) {
        struct seen_frame *const a = &hooked->frames[i];
        struct seen_frame *const b = &hooked->frames[hooked->count - 1 - i];
        const struct seen_frame swapped = *a;

        *a = *b;
        *b = swapped;
    }
}

void
vmprof_lua_see_frames(struct hooked *hooked, bool has_call)
{
    lua_State *const L = hooked->state;
    lua_Debug activation;
    int level = 0;

    hooked->count = 0;
    hooked->has_frames = true;
    if (!lua_getstack(L, 0, &activation))
        return;
    do {
        struct seen_frame frame = { .activation = activation.i_ci };

        vmprof_lua_know(hooked->of, L, &activation, &frame.function);
        if (!vmprof_lua_push_frame(hooked, &frame))
            break;
    } while (vmprof_lua_step(L, &activation, ++level));
    reverse(hooked);
    if (has_call)
        hooked->count--;
}

bool
vmprof_lua_is_call(const lua_Debug *activation)
{
    return activation && (activation->event == LUA_HOOKCALL ||
                          activation->event == LUA_HOOKTAILCALL);
}

static void
tell_unwound(struct moment *moment, const struct seen_frame *frame)
{
    const struct seen_frame *const caller = vmprof_lua_frame(moment->hooked, 0);
    const bool is_c = frame->function.is_c;
    struct vmprof_event event = {
        .kind = is_c ? VMPROF_EVENT_C_RAISE : VMPROF_EVENT_UNWIND,
        .code = frame->function.code,
        .frame = frame->activation,
    };

    if (frame->is_over)
        return;
    if (is_c) {
        event.callee = event.code;
        event.code = caller ? caller->function.code : 0;
    }
    vmprof_lua_fire(moment, &event);
}

static bool
is_known(const struct hooked *hooked, const struct CallInfo *activation)
{
    for (size_t i = hooked->count; i--;)
        if (hooked->frames[i].activation == activation)
            return true;
    return !activation;
}

void
vmprof_lua_settle(struct moment *moment, const struct CallInfo *activation)
{
    struct hooked *const hooked = moment->hooked;
    lua_Debug *const of = moment->activation;

    if (!hooked->count && !activation)
        return;
    /* Calls went unseen while the hook was another's. */
    if (!is_known(hooked, activation)) {
        vmprof_lua_see_frames(hooked, vmprof_lua_is_call(of));
        return;
    }
    moment->activation = NULL; /* these have no values any more */
    while (hooked->count &&
           hooked->frames[hooked->count - 1].activation != activation) {
        const struct seen_frame frame = hooked->frames[--hooked->count];

        tell_unwound(moment, &frame);
    }
    moment->activation = of;
}
