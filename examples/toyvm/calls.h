/* SPDX-License-Identifier: MIT */

/* How a call begins and ends, for the loop that runs bytecode and for compiled
 * code. Inline, for calls are what programs are made of. */
#ifndef TOY_CALLS_H
#define TOY_CALLS_H

#include "interp.h"
#include "native.h"

static inline bool
check_native_call(struct interp *interp, const struct native *native,
                  size_t count)
{
    if (count >= native->min_count && count <= native->max_count)
        return true;
    return throw_error(interp, "%s does not take %zu arguments", native->name,
                       count);
}

static inline bool
call_function(struct interp *interp, struct value callee,
              const struct value *arguments, size_t count,
              uintptr_t stack_pointer)
{
    struct frame *frame;

    if (!check_call(interp, callee, count))
        return false;
    frame =
        push_frame(interp, interp->current, callee.function, arguments, count);
    if (frame)
        profile_enter(interp->profile, frame, stack_pointer);
    return frame != NULL;
}

static inline bool
call_native(struct interp *interp, const struct native *native,
            const struct value *arguments, size_t count, struct value *result)
{
    bool returned;

    if (!check_native_call(interp, native, count))
        return false;
    if (interp->truth)
        truth_switch(interp->truth, truth_native(interp->program, native));
    returned = profile_call_native(interp->profile, native, interp, arguments,
                                   count, result);
    if (interp->truth)
        truth_switch(interp->truth, interp->current->frame->function->index);
    return returned;
}

/* Returns false when main has returned: there is no frame left. */
static inline bool
leave_function(struct interp *interp)
{
    struct coroutine *coroutine = interp->current;

    profile_leave(interp->profile, coroutine->frame);
    pop_frame(coroutine);
    if (coroutine->frame)
        return true;
    if (coroutine == &interp->main)
        return false;
    coroutine_finish(interp);
    return true;
}

#endif
