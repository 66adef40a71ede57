/* SPDX-License-Identifier: MIT */

#include "coroutine.h"

#include "events.h"
#include "native.h"

/* spawn(function, argument...): a coroutine that has yet to be resumed */
bool
native_spawn(struct interp *interp, const struct value *arguments, size_t count,
             struct value *result)
{
    struct coroutine *coroutine;
    int error;

    if (!check_call(interp, arguments[0], count - 1))
        return false;
    coroutine = heap_new(&interp->heap, VALUE_COROUTINE, sizeof(*coroutine));
    interp->heap.size += SEGMENT_SIZE;
    error = profile_new_stack(&coroutine->stack);
    if (error)
        return throw_error(interp, "cannot make a coroutine: %s",
                           vmprof_strerror(error));
    *result = value_cell(VALUE_COROUTINE, coroutine);
    if (!push_frame(interp, coroutine, arguments[0].function, arguments + 1,
                    count - 1))
        return false;
    if (events_want(interp, EVENT_SPAWN))
        events_tell(interp, EVENT_SPAWN, 0, result);
    return true;
}

/* close(coroutine): it ends where it is, and catches nothing */
bool
native_close(struct interp *interp, const struct value *arguments, size_t count,
             struct value *result)
{
    struct coroutine *coroutine = arguments[0].coroutine;

    (void)count;
    if (arguments[0].type != VALUE_COROUTINE)
        return throw_error(interp, "close needs a coroutine, this is a %s",
                           value_type_name(arguments[0].type));
    if (coroutine->status == COROUTINE_ACTIVE)
        return throw_error(interp, "this coroutine is running");
    coroutine_drop(interp, coroutine);
    *result = value_nil();
    return true;
}

/* done(coroutine): whether it has returned */
bool
native_done(struct interp *interp, const struct value *arguments, size_t count,
            struct value *result)
{
    (void)count;
    if (arguments[0].type != VALUE_COROUTINE)
        return throw_error(interp, "done needs a coroutine, this is a %s",
                           value_type_name(arguments[0].type));
    *result = value_bool(arguments[0].coroutine->status == COROUTINE_DONE);
    return true;
}

static bool
check_resumable(struct interp *interp, struct value value)
{
    if (value.type != VALUE_COROUTINE)
        return throw_error(interp, "resume needs a coroutine, this is a %s",
                           value_type_name(value.type));
    if (value.coroutine->status == COROUTINE_ACTIVE)
        return throw_error(interp, "this coroutine is running");
    if (value.coroutine->status == COROUTINE_DONE)
        return throw_error(interp, "this coroutine has returned");
    return true;
}

/* Its frame is the running one, and what it was sent is there or thrown. */
static bool
go_on(struct interp *interp, struct frame *frame, struct value sent,
      bool throws)
{
    int kind = throws ? VMPROF_EVENT_THROW_INTO : VMPROF_EVENT_RESUME;

    if (events_want(interp, kind))
        events_tell_of(interp, kind, frame, &sent);
    if (throws)
        interp->thrown = sent;
    else
        *frame->sp++ = sent;
    return !throws;
}

bool
coroutine_resume(struct interp *interp, struct value value, struct value sent,
                 bool throws, uintptr_t stack_pointer)
{
    struct coroutine *coroutine = value.coroutine;
    enum coroutine_status status;
    int error;

    if (!check_resumable(interp, value))
        return false;
    error = profile_resume_stack(interp->profile, coroutine->stack);
    if (error)
        return throw_error(interp, "cannot resume a coroutine: %s",
                           vmprof_strerror(error));
    coroutine->resumer = interp->current;
    interp->current = coroutine;
    status = coroutine->status;
    coroutine->status = COROUTINE_ACTIVE;
    if (status == COROUTINE_NEW) {
        profile_enter(interp->profile, coroutine->frame, stack_pointer);
        profile_begin_call(interp->profile, coroutine->frame);
    }
    return (status == COROUTINE_NEW && !throws) ||
           go_on(interp, coroutine->frame, sent, throws);
}

bool
coroutine_yield(struct interp *interp, struct value sent)
{
    struct coroutine *coroutine = interp->current;

    if (!coroutine->resumer)
        return throw_error(interp, "yield outside a coroutine");
    if (events_want(interp, VMPROF_EVENT_YIELD))
        events_tell_of(interp, VMPROF_EVENT_YIELD, coroutine->frame, &sent);
    profile_yield_stack(interp->profile);
    coroutine->status = COROUTINE_SUSPENDED;
    interp->current = coroutine->resumer;
    coroutine->resumer = NULL;
    *interp->current->frame->sp++ = sent;
    return true;
}

void
coroutine_finish(struct interp *interp)
{
    struct coroutine *coroutine = interp->current;

    profile_yield_stack(interp->profile);
    coroutine->status = COROUTINE_DONE;
    interp->current = coroutine->resumer;
    coroutine->resumer = NULL;
    coroutine_release(interp, coroutine);
}

void
coroutine_drop(struct interp *interp, struct coroutine *coroutine)
{
    struct value nothing = interp->thrown;

    /* One that has not begun leaves nothing. */
    if (coroutine->status == COROUTINE_SUSPENDED) {
        interp->thrown = value_nil();
        events_unwind(interp, coroutine);
        interp->thrown = nothing;
    }
    coroutine->status = COROUTINE_DONE;
    coroutine_release(interp, coroutine);
}

void
coroutine_release(struct interp *interp, struct coroutine *coroutine)
{
    profile_free_stack(coroutine->stack);
    coroutine->stack = NULL;
    recycle_frames(interp, coroutine);
}
