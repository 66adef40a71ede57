/* SPDX-License-Identifier: MIT */

/*
 * Coroutines that go on and are suspended. All that is told here happens in a C
 * function of ours, outside of any hook.
 */
#include "events.h"

enum {
    STACK_DEPTH = 1, /* nobody pushes frames on it */
};

void
vmprof_lua_enter_coroutine(struct profiled_state *state, lua_State *coroutine,
                           struct switched *switched)
{
    struct vmprof_thread *const thread = vmprof_current_thread();
    struct hooked *hooked;

    switched->moment = vmprof_lua_moment();
    switched->has_stack = false;
    vmprof_lua_follow(state, coroutine, NULL);
    hooked = vmprof_lua_find_hooked(state, coroutine);
    if (!hooked || !hooked->events || !thread)
        return;
    if (!hooked->stack && vmprof_new_stack(STACK_DEPTH, &hooked->stack))
        return;
    switched->has_stack = vmprof_resume_stack(thread, hooked->stack) == 0;
}

void
vmprof_lua_leave_coroutine(const struct switched *switched)
{
    struct vmprof_thread *const thread = vmprof_current_thread();

    if (switched->has_stack && thread)
        vmprof_yield_stack(thread);
    vmprof_lua_set_moment(switched->moment);
}

/* What a Lua function that waits in a call of yield() is at: that call is over,
   for tools, which so find resumes and yields nested like calls. */
static struct seen_frame *
leave_yield(struct moment *moment)
{
    const struct hooked *const hooked = moment->hooked;
    struct seen_frame *const frame = vmprof_lua_frame(hooked, 0);
    struct seen_frame *const caller = vmprof_lua_frame(hooked, 1);

    if (!frame || !frame->function.is_c)
        return frame;
    if (!frame->is_over) {
        const struct vmprof_event event = {
            .kind = VMPROF_EVENT_C_RETURN,
            .code = caller ? caller->function.code : 0,
            .callee = frame->function.code,
            .frame = frame->activation,
        };

        frame->is_over = true;
        vmprof_lua_fire(moment, &event);
    }
    return caller;
}

static void
tell_switch(struct moment *moment, enum vmprof_event_kind kind)
{
    const struct seen_frame *frame;

    if (kind == VMPROF_EVENT_RESUME) {
        frame = vmprof_lua_frame(moment->hooked, 0);
        if (frame && frame->function.is_c) {
            vmprof_lua_frame(moment->hooked, 0)->is_over = true;
            frame = vmprof_lua_frame(moment->hooked, 1);
        }
    } else {
        frame = leave_yield(moment);
    }
    if (frame) {
        const struct vmprof_event event = {
            .kind = kind,
            .code = frame->function.code,
            .frame = frame->activation,
        };

        vmprof_lua_fire(moment, &event);
    }
}

static int
tell_of(struct profiled_state *state, lua_State *coroutine, bool is_resume)
{
    const int status = lua_status(coroutine);
    struct moment moment = {
        .thread = vmprof_current_thread(),
        .state = coroutine,
    };

    if (is_resume && status != LUA_YIELD)
        return 0;
    moment.hooked = vmprof_lua_find_hooked(state, coroutine);
    if (!moment.hooked || !moment.hooked->has_frames || !moment.thread)
        return 0;
    if (is_resume)
        tell_switch(&moment, VMPROF_EVENT_RESUME);
    else if (status == LUA_YIELD)
        tell_switch(&moment, VMPROF_EVENT_YIELD);
    else
        vmprof_lua_settle(&moment, NULL);
    return moment.error;
}

int
vmprof_lua_tell_resume(struct profiled_state *state, lua_State *coroutine)
{
    return tell_of(state, coroutine, true);
}

int
vmprof_lua_tell_suspension(struct profiled_state *state, lua_State *coroutine)
{
    return tell_of(state, coroutine, false);
}
