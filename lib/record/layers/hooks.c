/* SPDX-License-Identifier: MIT */

/* Trace and profile functions of each holder: what they are told. */

#include "hooks.h"

#include <errno.h>

#include "../thread.h"

bool
vmp_hooks_find(const struct vmprof_hooks *hooks,
               const struct vmp_hooks_record *record, enum vmp_hook_kind kind,
               struct vmp_function *out)
{
    const struct vmp_function *function =
        atomic_load_explicit(&record->own[kind], memory_order_acquire);

    if (!function)
        function =
            atomic_load_explicit(&hooks->all[kind], memory_order_acquire);
    if (!function ||
        function->number ==
            atomic_load_explicit(&record->failed[kind], memory_order_relaxed))
        return false;
    /* Not the link: it changes when the function is replaced. */
    *out = (struct vmp_function){
        .trace = function->trace,
        .profile = function->profile,
        .user = function->user,
        .events = function->events,
        .number = function->number,
    };
    return true;
}

static int
check(struct vmp_hooks_record *record, enum vmp_hook_kind kind,
      const struct vmp_function *function, int result)
{
    if (result < 0)
        atomic_store(&record->failed[kind], function->number);
    return result;
}

static int
first_error(int a, int b)
{
    return a < 0 ? a : b;
}

/* The function is copied: it may be set anew by itself. */
static int
profile(struct vmp_hooks_record *record, struct vmprof_thread *thread,
        enum vmprof_hook_event what, const struct vmprof_event *event)
{
    struct vmprof_hooks *const hooks =
        (struct vmprof_hooks *)record->record.layer;
    struct vmp_function function;

    if (!vmp_hooks_find(hooks, record, VMP_HOOK_PROFILE, &function))
        return 0;
    return check(record, VMP_HOOK_PROFILE, &function,
                 function.profile(function.user, thread, what, event));
}

/* Of a frame that is traced, or is called: then that is decided. */
static int
trace(struct vmp_hooks_record *record, struct vmprof_thread *thread,
      enum vmprof_hook_event what, const struct vmprof_event *event,
      struct vmp_frame *frame)
{
    struct vmprof_hooks *const hooks =
        (struct vmprof_hooks *)record->record.layer;
    struct vmprof_scope scope = {
        .data = frame->trace.data,
        .lines = frame->trace.has_lines,
        .opcodes = frame->trace.has_opcodes,
    };
    struct vmp_function function;
    int result;

    if (!frame->trace.is_traced)
        return 0;
    frame->trace.is_traced =
        vmp_hooks_find(hooks, record, VMP_HOOK_TRACE, &function) &&
        (what == VMPROF_HOOK_CALL || frame->trace.function == function.number);
    if (!frame->trace.is_traced)
        return 0;
    result = check(record, VMP_HOOK_TRACE, &function,
                   function.trace(function.user, thread, what, event, &scope));
    frame->trace.function = function.number;
    frame->trace.data = scope.data;
    frame->trace.has_lines = scope.lines;
    frame->trace.has_opcodes = scope.opcodes;
    frame->trace.is_traced = result == VMPROF_TRACE_FRAME;
    return result < 0 ? result : 0;
}

/* The innermost frame, if it is one of this code. */
static struct vmp_frame *
top_of(struct vmp_frame_stack *stack, const struct vmprof_event *event)
{
    struct vmp_frame *const top =
        stack->count ? &stack->frames[stack->count - 1] : NULL;

    return top && !stack->over && top->code == event->code ? top : NULL;
}

/* An exception has come out of a call here, and nobody has told of it yet. */
static int
tell_of_arrival(struct vmp_hooks_record *record, struct vmprof_thread *thread,
                const struct vmprof_event *event, struct vmp_frame *frame)
{
    if (!frame->trace.is_left)
        return 0;
    frame->trace.is_left = false;
    return trace(record, thread, VMPROF_HOOK_EXCEPTION, event, frame);
}

static int
call(struct vmp_hooks_record *record, struct vmprof_thread *thread,
     const struct vmprof_event *event, struct vmp_frame_stack *stack)
{
    struct vmp_frame *const frame =
        vmp_frames_push(stack, event->code, event->frame);
    int result = 0;

    if (frame) {
        frame->trace.is_traced = frame->trace.has_lines = true;
        frame->trace.is_left = event->kind == VMPROF_EVENT_THROW_INTO;
        result = trace(record, thread, VMPROF_HOOK_CALL, event, frame);
    }
    return first_error(result,
                       profile(record, thread, VMPROF_HOOK_CALL, event));
}

/* What called it, on whatever stack. */
static void
leave_exception(struct vmp_hooks_record *record, struct vmp_frame_stack *stack)
{
    while (stack && !stack->count)
        stack = vmp_frames_below(&record->frames, stack);
    if (stack)
        stack->frames[stack->count - 1].trace.is_left = true;
}

static int
end(struct vmp_hooks_record *record, struct vmprof_thread *thread,
    const struct vmprof_event *event, struct vmp_frame_stack *stack)
{
    bool is_over;
    const uint32_t index =
        vmp_frames_leave(stack, event->code, event->frame, &is_over);
    int result = 0;

    if (index != VMP_NO_FRAME) {
        struct vmp_frame *const frame = &stack->frames[index];

        stack->count = index + 1;
        result = tell_of_arrival(record, thread, event, frame);
        result = first_error(
            result, trace(record, thread, VMPROF_HOOK_RETURN, event, frame));
        stack->count = index;
    }
    if (event->kind == VMPROF_EVENT_UNWIND)
        leave_exception(record, stack);
    return first_error(result,
                       profile(record, thread, VMPROF_HOOK_RETURN, event));
}

static int
tell_in_frame(struct vmp_hooks_record *record, struct vmprof_thread *thread,
              const struct vmprof_event *event, struct vmp_frame *frame)
{
    int result = 0;

    if (event->kind == VMPROF_EVENT_RAISE) {
        frame->trace.is_left = false;
        return trace(record, thread, VMPROF_HOOK_EXCEPTION, event, frame);
    }
    result = tell_of_arrival(record, thread, event, frame);
    if (event->kind == VMPROF_EVENT_LINE && frame->trace.has_lines)
        return first_error(
            result, trace(record, thread, VMPROF_HOOK_LINE, event, frame));
    if (event->kind == VMPROF_EVENT_INSTRUCTION && frame->trace.has_opcodes)
        return first_error(
            result, trace(record, thread, VMPROF_HOOK_OPCODE, event, frame));
    return result;
}

static int
tell(struct vmp_hooks_record *record, struct vmprof_thread *thread,
     const struct vmprof_event *event, struct vmp_frame_stack *stack)
{
    struct vmp_frame *frame;

    switch (event->kind) {
    case VMPROF_EVENT_CALL:
    case VMPROF_EVENT_RESUME:
    case VMPROF_EVENT_THROW_INTO:
        return call(record, thread, event, stack);
    case VMPROF_EVENT_RETURN:
    case VMPROF_EVENT_YIELD:
    case VMPROF_EVENT_UNWIND:
        return end(record, thread, event, stack);
    case VMPROF_EVENT_C_CALL:
        return profile(record, thread, VMPROF_HOOK_C_CALL, event);
    case VMPROF_EVENT_C_RETURN:
        return profile(record, thread, VMPROF_HOOK_C_RETURN, event);
    case VMPROF_EVENT_C_RAISE:
        return profile(record, thread, VMPROF_HOOK_C_EXCEPTION, event);
    }
    frame = top_of(stack, event);
    return frame ? tell_in_frame(record, thread, event, frame) : 0;
}

int
vmp_hooks_event(void *user, struct vmprof_thread *thread,
                const struct vmprof_event *event)
{
    struct vmprof_layer *const layer = user;
    struct vmp_hooks_record *const record =
        (struct vmp_hooks_record *)vmp_layer_record(layer, thread);
    struct vmp_frame_stack *const stack =
        record ? vmp_frames_stack(&record->frames, thread) : NULL;

    if (!stack)
        return VMPROF_EVENT_KEEP;
    if (stack != record->frames.current)
        vmp_frames_run_on(&record->frames, stack, NULL, NULL);
    return tell(record, thread, event, stack);
}
