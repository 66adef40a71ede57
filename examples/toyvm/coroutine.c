/* SPDX-License-Identifier: MIT */

#include "coroutine.h"

#include "interp.h"
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
    return push_frame(interp, coroutine, arguments[0].function, arguments + 1,
                      count - 1) != NULL;
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

bool
coroutine_resume(struct interp *interp, struct value value, struct value sent,
                 uintptr_t stack_pointer)
{
    struct coroutine *coroutine = value.coroutine;
    int error;

    if (!check_resumable(interp, value))
        return false;
    error = profile_resume_stack(interp->profile, coroutine->stack);
    if (error)
        return throw_error(interp, "cannot resume a coroutine: %s",
                           vmprof_strerror(error));
    coroutine->resumer = interp->current;
    interp->current = coroutine;
    if (coroutine->status == COROUTINE_NEW) {
        profile_enter(interp->profile, coroutine->frame, stack_pointer);
        profile_begin_call(interp->profile, coroutine->frame);
    } else {
        *coroutine->frame->sp++ = sent;
    }
    coroutine->status = COROUTINE_ACTIVE;
    return true;
}

bool
coroutine_yield(struct interp *interp, struct value sent)
{
    struct coroutine *coroutine = interp->current;

    if (!coroutine->resumer)
        return throw_error(interp, "yield outside a coroutine");
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
coroutine_release(struct interp *interp, struct coroutine *coroutine)
{
    profile_free_stack(coroutine->stack);
    coroutine->stack = NULL;
    recycle_frames(interp, coroutine);
}
