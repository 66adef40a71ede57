/* SPDX-License-Identifier: MIT */

/* From a call of our hook to events. */
#include "events.h"

#include <lauxlib.h>

void
vmprof_lua_fire(struct moment *moment, const struct vmprof_event *event)
{
    const struct moment *before;
    int result;

    if (!vmprof_wants_event(moment->thread, VMPROF_EVENT_BIT(event->kind)))
        return;
    before = vmprof_lua_set_moment(moment);
    result = vmprof_fire_event(moment->thread, event);
    vmprof_lua_set_moment(before);
    if (result < 0 && !moment->error)
        moment->error = result;
}

void
vmprof_lua_raise(lua_State *L, int error)
{
    if (!error)
        return;
    vmprof_lua_raise_kept(L);
    luaL_error(L, "vmprof: a tool's callback failed: %s",
               vmprof_strerror(error));
}

static vmprof_code_id
code_at(const struct hooked *hooked, size_t level)
{
    const struct seen_frame *const frame = vmprof_lua_frame(hooked, level);

    return frame ? frame->function.code : 0;
}

/* The frame on top begins, or all that is known is the function. */
static void
tell_call(struct moment *moment, const struct seen_frame *frame)
{
    struct vmprof_event event = {
        .kind = VMPROF_EVENT_CALL,
        .line = frame->function.line,
        .code = frame->function.code,
        .frame = frame->activation,
    };

    if (frame->function.is_c) {
        event.kind = VMPROF_EVENT_C_CALL;
        event.callee = event.code;
        event.code = code_at(moment->hooked, 1);
        event.line = 0;
    }
    vmprof_lua_fire(moment, &event);
}

static void
tell_return(struct moment *moment, const struct seen_frame *frame,
            vmprof_code_id caller)
{
    struct vmprof_event event = {
        .kind = VMPROF_EVENT_RETURN,
        .code = frame->function.code,
        .frame = frame->activation,
    };

    if (frame->is_over)
        return;
    if (frame->function.is_c) {
        event.kind = VMPROF_EVENT_C_RETURN;
        event.callee = event.code;
        event.code = caller;
    }
    vmprof_lua_fire(moment, &event);
}

static struct CallInfo *
caller_of(lua_State *L)
{
    lua_Debug caller;

    return lua_getstack(L, 1, &caller) ? caller.i_ci : NULL;
}

static void
on_call(struct moment *moment)
{
    struct hooked *const hooked = moment->hooked;
    struct seen_frame frame = { .activation = moment->activation->i_ci };

    vmprof_lua_know(hooked->of, moment->state, moment->activation,
                    &frame.function);
    if (hooked->has_frames) {
        vmprof_lua_settle(moment, caller_of(moment->state));
        vmprof_lua_push_frame(hooked, &frame);
    }
    tell_call(moment, &frame);
}

/* Whoever makes a tail call has returned; so calls and returns are pairs. */
static void
on_tail_call(struct moment *moment)
{
    struct hooked *const hooked = moment->hooked;
    struct seen_frame next = { .activation = moment->activation->i_ci };
    struct seen_frame *frame, left;

    vmprof_lua_know(hooked->of, moment->state, moment->activation,
                    &next.function);
    if (hooked->has_frames) {
        vmprof_lua_settle(moment, next.activation);
        frame = vmprof_lua_frame(hooked, 0);
        if (frame && frame->activation == next.activation) {
            const struct vmprof_event event = {
                .kind = EVENT_TAIL_CALL,
                .code = frame->function.code,
                .callee = next.function.code,
                .frame = next.activation,
            };

            left = *frame;
            vmprof_lua_fire(moment, &event);
            tell_return(moment, &left, 0);
            *vmprof_lua_frame(hooked, 0) = next;
        }
    }
    tell_call(moment, &next);
}

static void
on_return(struct moment *moment)
{
    struct hooked *const hooked = moment->hooked;
    const struct seen_frame *frame;

    if (!hooked->has_frames)
        return;
    vmprof_lua_settle(moment, moment->activation->i_ci);
    frame = vmprof_lua_frame(hooked, 0);
    if (!frame || frame->activation != moment->activation->i_ci)
        return;
    tell_return(moment, frame, code_at(hooked, 1));
    if (hooked->count)
        hooked->count--;
}

/* The Lua function that runs, which may be on top of what is known; `found` is
   room for it. */
static struct known_function *
running_function(struct moment *moment, struct known_function *found)
{
    struct seen_frame *const frame = vmprof_lua_frame(moment->hooked, 0);

    if (frame && frame->activation == moment->activation->i_ci)
        return &frame->function;
    vmprof_lua_know(moment->hooked->of, moment->state, moment->activation,
                    found);
    return found;
}

static void
on_line(struct moment *moment)
{
    const int line = moment->activation->currentline;
    struct known_function found;
    struct known_function *const function = running_function(moment, &found);
    const struct vmprof_event event = {
        .kind = VMPROF_EVENT_LINE,
        .line = line > 0 ? (uint32_t)line : 0,
        .offset = line > 0 ? (uint64_t)line : 0,
        .code = function->code,
        .frame = moment->activation->i_ci,
    };

    vmprof_lua_tell_lines(moment, function);
    vmprof_lua_fire(moment, &event);
}

static void
on_instructions(struct moment *moment)
{
    struct known_function found;
    struct vmprof_event event = {
        .kind = VMPROF_EVENT_INSTRUCTION,
        .code = running_function(moment, &found)->code,
        .target = INSTRUCTION_PERIOD,
        .frame = moment->activation->i_ci,
    };

    lua_getinfo(moment->state, "l", moment->activation);
    if (moment->activation->currentline > 0)
        event.line = (uint32_t)moment->activation->currentline;
    event.offset = event.line;
    vmprof_lua_fire(moment, &event);
}

static void
tell(struct moment *moment, bool is_own_count)
{
    const int mask = moment->hooked->own_mask;

    switch (moment->activation->event) {
    case LUA_HOOKCALL:
        if (mask & LUA_MASKCALL)
            on_call(moment);
        break;
    case LUA_HOOKTAILCALL:
        if (mask & LUA_MASKCALL)
            on_tail_call(moment);
        break;
    case LUA_HOOKRET:
        if (mask & LUA_MASKRET)
            on_return(moment);
        break;
    case LUA_HOOKLINE:
        if (mask & LUA_MASKLINE)
            on_line(moment);
        break;
    default:
        if (is_own_count)
            on_instructions(moment);
    }
}

/* Of a callback that never came back: Lua calls no hook within a hook. */
static void
abandon(struct moment *moment)
{
    if (moment->hooked->is_firing)
        vmprof_event_abandoned(moment->thread, moment->hooked->callbacks);
}

static bool
is_for_program(const struct hooked *hooked, int event)
{
    switch (event) {
    case LUA_HOOKCALL:
    case LUA_HOOKTAILCALL:
        return hooked->program.mask & LUA_MASKCALL;
    case LUA_HOOKRET:
        return hooked->program.mask & LUA_MASKRET;
    default:
        return hooked->program.mask & LUA_MASKLINE;
    }
}

/* A hook that C code put over ours calls ours, and is now beneath it. */
static bool
is_called_by_program(const struct hooked *hooked, const lua_Debug *activation,
                     const char *from)
{
    return activation == hooked->calling && from < hooked->calling_from;
}

static void
call_program(struct hooked *hooked, lua_Debug *activation, const char *from)
{
    hooked->calling = activation;
    hooked->calling_from = from;
    hooked->program.hook(hooked->state, activation);
    hooked->calling = NULL;
}

static int
tell_all(struct hooked *hooked, lua_Debug *activation, bool is_own_count)
{
    struct moment moment = {
        .thread = vmprof_current_thread(),
        .hooked = hooked,
        .state = hooked->state,
        .activation = activation,
    };
    const int event = activation->event, line = activation->currentline;

    if (!moment.thread)
        return 0;
    abandon(&moment);
    hooked->callbacks = vmprof_running_callbacks(moment.thread);
    hooked->is_firing = true;
    if (__atomic_load_n(&moment.thread->events, __ATOMIC_RELAXED) !=
        hooked->seen)
        vmprof_lua_follow(hooked->of, hooked->state, activation);
    if (hooked->events)
        tell(&moment, is_own_count);
    hooked->is_firing = false;
    /* As the program's hook would find it. */
    activation->event = event;
    activation->currentline = line;
    return moment.error;
}

void
vmprof_lua_events_hook(lua_State *L, lua_Debug *activation)
{
    struct hooked *const hooked = vmprof_lua_hooked(L, activation);
    const int event = activation->event;
    bool is_own = false, is_programs;
    char here;
    int error;

    if (!hooked) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    if (is_called_by_program(hooked, activation, &here))
        return;
    if (event == LUA_HOOKCOUNT)
        vmprof_lua_count(hooked, &is_own, &is_programs);
    else
        is_programs = is_for_program(hooked, event);
    error = tell_all(hooked, activation, is_own);
    /* Last, because it may raise an error or yield. */
    if (is_programs && hooked->program.hook)
        call_program(hooked, activation, &here);
    if (lua_status(L) != LUA_YIELD)
        vmprof_lua_raise(L, error);
}
