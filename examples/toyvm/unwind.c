/* SPDX-License-Identifier: MIT */

/* Exceptions: who catches, and how to get there. */
#include "events.h"
#include "text.h"

#define DESCRIBED_MAX 20 /* frames in the description of an exception */

static const struct handler *
find_handler(const struct frame *frame)
{
    const struct function *function = frame->function;
    size_t offset = (size_t)((const uint32_t *)frame->pc - function->code);

    for (size_t i = 0; i < function->handler_count; i++) {
        const struct handler *handler = &function->handlers[i];

        if (offset >= handler->start && offset < handler->end)
            return handler;
    }
    return NULL;
}

/* The innermost frame with a handler, in the running coroutine or in those
 * that wait for it. */
static const struct handler *
find_catcher(const struct interp *interp, struct coroutine **coroutine,
             struct frame **frame)
{
    for (*coroutine = interp->current; *coroutine;
         *coroutine = (*coroutine)->resumer) {
        for (*frame = (*coroutine)->frame; *frame; *frame = (*frame)->caller) {
            const struct handler *handler = find_handler(*frame);

            if (handler)
                return handler;
        }
    }
    return NULL;
}

/* An instruction that throws again what was caught says so. */
static void
tell_of_raise(struct interp *interp)
{
    const struct frame *frame = interp->current->frame;
    uint32_t word = word_at((const uint32_t *)frame->pc);
    bool is_again = opcode_of(word) == OP_THROW && operand_of(word);

    events_thrown(interp, is_again ? VMPROF_EVENT_RERAISE : VMPROF_EVENT_RAISE,
                  frame);
}

struct frame *
unwind(struct interp *interp)
{
    struct coroutine *coroutine;
    struct frame *frame;
    const struct handler *handler = find_catcher(interp, &coroutine, &frame);

    tell_of_raise(interp);
    if (!handler)
        return NULL;
    while (interp->current != coroutine) {
        events_unwind(interp, interp->current);
        coroutine_finish(interp);
    }
    for (const struct frame *f = coroutine->frame; f != frame; f = f->caller)
        events_thrown(interp, VMPROF_EVENT_UNWIND, f);
    /* Before the frames are popped: their pc cells are still theirs. */
    profile_catch(interp->profile, frame);
    while (coroutine->frame != frame) {
        profile_end_call(interp->profile, coroutine->frame);
        pop_frame(coroutine);
    }
    frame->pc = (uintptr_t)(frame->function->code + handler->target);
    frame->sp = frame->slots + handler->depth;
    events_handled(interp, frame, handler->line);
    *frame->sp++ = interp->thrown;
    interp->thrown = value_nil();
    return frame;
}

void
interp_abandon(struct interp *interp)
{
    struct frame *frame;

    while (interp->current != &interp->main) {
        events_unwind(interp, interp->current);
        coroutine_finish(interp);
    }
    events_unwind(interp, &interp->main);
    for (frame = interp->main.frame; frame->caller; frame = frame->caller)
        continue;
    profile_leave(interp->profile, frame);
    recycle_frames(interp, &interp->main);
}

void
describe_uncaught(const struct interp *interp, struct text *text)
{
    size_t count = 0;

    text_add(text, "uncaught exception: ", 20);
    text_add_value(text, interp->thrown);
    text_add(text, "\n", 1);
    for (const struct coroutine *coroutine = interp->current; coroutine;
         coroutine = coroutine->resumer) {
        for (const struct frame *frame = coroutine->frame; frame;
             frame = frame->caller) {
            if (++count > DESCRIBED_MAX)
                continue;
            text_format(text, "  in %s, %s:%u\n", frame->function->name,
                        frame->function->file,
                        function_line(frame->function, frame->pc));
        }
    }
    if (count > DESCRIBED_MAX)
        text_format(text, "  and %zu more\n", count - DESCRIBED_MAX);
}
