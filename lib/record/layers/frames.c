/* SPDX-License-Identifier: MIT */

#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "../stack.h"

enum {
    MOST_STACKS = 4096,
    FIRST_FRAMES = 16,
    MOST_FRAMES = 1 << 18,
};

static struct vmp_frame_stack *
find(const struct vmp_frames *frames, uint64_t id)
{
    struct vmp_frame_stack *stack = frames->buckets[id % VMP_FRAME_BUCKETS];

    while (stack && stack->id != id)
        stack = stack->next;
    return stack;
}

static void
unlink_age(struct vmp_frames *frames, struct vmp_frame_stack *stack)
{
    *(stack->older ? &stack->older->newer : &frames->oldest) = stack->newer;
    *(stack->newer ? &stack->newer->older : &frames->newest) = stack->older;
}

static void
link_newest(struct vmp_frames *frames, struct vmp_frame_stack *stack)
{
    stack->older = frames->newest;
    stack->newer = NULL;
    *(frames->newest ? &frames->newest->newer : &frames->oldest) = stack;
    frames->newest = stack;
}

static void
drop(struct vmp_frames *frames, struct vmp_frame_stack *stack)
{
    struct vmp_frame_stack **at =
        &frames->buckets[stack->id % VMP_FRAME_BUCKETS];

    while (*at != stack)
        at = &(*at)->next;
    *at = stack->next;
    unlink_age(frames, stack);
    if (frames->current == stack)
        frames->current = NULL;
    frames->count--;
    free(stack->frames);
    free(stack);
}

/* For one more: of those that sleep the one that has for the longest; one that
 * has no frames any more first, if it is the oldest. */
static void
make_room(struct vmp_frames *frames)
{
    struct vmp_frame_stack *stack = frames->oldest;

    if (frames->count < MOST_STACKS)
        return;
    while (stack &&
           (stack == frames->current || (!stack->is_asleep && stack->count)))
        stack = stack->newer;
    if (stack)
        drop(frames, stack);
}

static struct vmp_frame_stack *
make(struct vmp_frames *frames, uint64_t id)
{
    struct vmp_frame_stack **const at =
        &frames->buckets[id % VMP_FRAME_BUCKETS];
    struct vmp_frame_stack *stack;

    make_room(frames);
    stack = calloc(1, sizeof(*stack));
    if (!stack)
        return NULL;
    stack->id = id;
    stack->next = *at;
    *at = stack;
    link_newest(frames, stack);
    frames->count++;
    return stack;
}

static uint64_t
id_below(const struct vmprof_stack *stack)
{
    return stack->caller && stack->caller->id == stack->caller_id
               ? stack->caller_id
               : 0;
}

/* What each resumed, of the stack that runs and all beneath it: one that was
 * noted before may be resumed by another now, and what is noted is to have an
 * end. */
static void
note_below(const struct vmp_frames *frames, const struct vmprof_stack *of)
{
    for (;;) {
        struct vmp_frame_stack *const stack = find(frames, of->id);
        const uint64_t below = id_below(of);

        if (stack)
            stack->below = below;
        if (!below)
            return;
        of = of->caller;
    }
}

struct vmp_frame_stack *
vmp_frames_stack(struct vmp_frames *frames, const struct vmprof_thread *thread)
{
    const struct vmprof_stack *const of = thread->stack;
    struct vmp_frame_stack *stack = frames->newest;

    if (stack && stack->id == of->id)
        return stack;
    stack = find(frames, of->id);
    if (stack) {
        unlink_age(frames, stack);
        link_newest(frames, stack);
    } else {
        stack = make(frames, of->id);
    }
    note_below(frames, of);
    return stack;
}

struct vmp_frame_stack *
vmp_frames_below(const struct vmp_frames *frames,
                 const struct vmp_frame_stack *stack)
{
    return stack->below ? find(frames, stack->below) : NULL;
}

static bool
is_beneath(const struct vmp_frames *frames, const struct vmp_frame_stack *stack,
           const struct vmp_frame_stack *top)
{
    while (top && top != stack)
        top = vmp_frames_below(frames, top);
    return top;
}

void
vmp_frames_run_on(struct vmp_frames *frames, struct vmp_frame_stack *to,
                  void (*change)(void *user, struct vmp_frame_stack *stack,
                                 bool is_asleep),
                  void *user)
{
    for (struct vmp_frame_stack *s = frames->current;
         s && !s->is_asleep && !is_beneath(frames, s, to);
         s = vmp_frames_below(frames, s)) {
        if (change)
            change(user, s, true);
        s->is_asleep = true;
    }
    for (struct vmp_frame_stack *s = to; s; s = vmp_frames_below(frames, s)) {
        if (s->is_asleep && change)
            change(user, s, false);
        s->is_asleep = false;
    }
    frames->current = to;
}

static bool
grow(struct vmp_frame_stack *stack)
{
    const uint32_t capacity =
        stack->capacity ? stack->capacity * 2 : FIRST_FRAMES;
    struct vmp_frame *const more =
        capacity > MOST_FRAMES
            ? NULL
            : realloc(stack->frames, capacity * sizeof(*stack->frames));

    if (!more)
        return false;
    stack->frames = more;
    stack->capacity = capacity;
    return true;
}

struct vmp_frame *
vmp_frames_push(struct vmp_frame_stack *stack, uint64_t code,
                const void *vm_frame)
{
    struct vmp_frame *frame;

    if (stack->over || (stack->count == stack->capacity && !grow(stack))) {
        stack->over++;
        return NULL;
    }
    frame = &stack->frames[stack->count++];
    memset(frame, 0, sizeof(*frame));
    frame->code = code;
    frame->frame = vm_frame;
    return frame;
}

uint32_t
vmp_frames_leave(struct vmp_frame_stack *stack, uint64_t code,
                 const void *vm_frame, bool *is_over)
{
    *is_over = stack->over;
    if (stack->over) {
        stack->over--;
        return VMP_NO_FRAME;
    }
    for (uint32_t i = stack->count; i--;) {
        const struct vmp_frame *const frame = &stack->frames[i];

        if (frame->code == code &&
            (!vm_frame || !frame->frame || frame->frame == vm_frame))
            return i;
    }
    return VMP_NO_FRAME;
}

void
vmp_frames_free(struct vmp_frames *frames)
{
    while (frames->oldest)
        drop(frames, frames->oldest);
}
