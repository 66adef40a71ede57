/* SPDX-License-Identifier: MIT */

#include "frame.h"

#include "interp.h"
#include "memory.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 1000000 /* stops a recursion without end */

struct segment {
    struct segment *previous;
    struct segment *next;
    char *free;
    _Alignas(struct frame) char bytes[];
};

_Static_assert(sizeof(struct segment) + sizeof(struct frame) +
                       FUNCTION_DEPTH_MAX * sizeof(struct value) <=
                   SEGMENT_SIZE,
               "every function's frame must fit into a segment");

static struct segment *
new_segment(struct interp *interp)
{
    struct segment *segment = interp->segments;

    if (segment)
        interp->segments = segment->next;
    else
        segment = allocate(SEGMENT_SIZE);
    segment->previous = NULL;
    segment->next = NULL;
    segment->free = segment->bytes;
    return segment;
}

/* The segment that has room for a frame, made if need be. */
static struct segment *
find_room(struct interp *interp, struct coroutine *coroutine, size_t size)
{
    struct segment *segment = coroutine->segment;
    struct segment *next;

    if (segment &&
        size <= (size_t)((char *)segment + SEGMENT_SIZE - segment->free))
        return segment;
    next = segment ? segment->next : NULL;
    if (!next) {
        next = new_segment(interp);
        next->previous = segment;
        if (segment)
            segment->next = next;
    }
    coroutine->segment = next;
    return next;
}

struct frame *
push_frame(struct interp *interp, struct coroutine *coroutine,
           const struct function *function, const struct value *arguments,
           size_t count)
{
    size_t size =
        sizeof(struct frame) + function->max_depth * sizeof(struct value);
    struct segment *segment;
    struct frame *frame;

    if (coroutine->depth == FRAMES_MAX) {
        throw_error(interp, "more than %d calls deep", FRAMES_MAX);
        return NULL;
    }
    segment = find_room(interp, coroutine, size);
    frame = (struct frame *)(void *)segment->free;
    segment->free += size;
    frame->pc = (uintptr_t)function->code;
    frame->caller = coroutine->frame;
    frame->function = function;
    frame->mark = 0;
    if (count > 0)
        memcpy(frame->slots, arguments, count * sizeof(*arguments));
    frame->sp = frame->slots + count;
    coroutine->frame = frame;
    coroutine->depth++;
    return frame;
}

/* An empty segment stays linked behind the one that is used next. */
void
pop_frame(struct coroutine *coroutine)
{
    struct segment *segment = coroutine->segment;

    segment->free = (char *)coroutine->frame;
    if (segment->free == segment->bytes && segment->previous)
        coroutine->segment = segment->previous;
    coroutine->frame = coroutine->frame->caller;
    coroutine->depth--;
}

void
recycle_frames(struct interp *interp, struct coroutine *coroutine)
{
    struct segment *segment = coroutine->segment;
    struct segment *next;

    for (struct frame *frame = coroutine->frame; frame; frame = frame->caller)
        profile_end_call(interp->profile, frame);
    while (segment && segment->previous)
        segment = segment->previous;
    for (; segment; segment = next) {
        next = segment->next;
        segment->next = interp->segments;
        interp->segments = segment;
    }
    coroutine->segment = NULL;
    coroutine->frame = NULL;
    coroutine->depth = 0;
}

void
free_frames(struct interp *interp)
{
    struct segment *segment, *next;

    for (segment = interp->segments; segment; segment = next) {
        next = segment->next;
        free(segment);
    }
    interp->segments = NULL;
}
