/* SPDX-License-Identifier: MIT */

/*
 * What a thread runs, as events tell it: frames on the stacks of the thread and
 * of its coroutines. The owning thread's.
 */
#ifndef VMP_LAYERS_FRAMES_H
#define VMP_LAYERS_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vmprof/events.h>

struct vmp_entry;

enum {
    VMP_FRAME_BUCKETS = 512,
};

#define VMP_NO_FRAME UINT32_MAX

struct vmp_frame {
    uint64_t code;
    const void *frame; /* of the VM; NULL: not known */
    union {
        struct {
            struct vmp_entry *edge, *sum; /* NULL: lost */
            uint64_t start_ns;
        } call;
        struct {
            void *data;
            uint64_t function; /* its number */
            bool is_traced, has_lines, has_opcodes, is_left;
        } trace;
    };
};

struct vmp_frame_stack {
    struct vmp_frame_stack *next;          /* of the same bucket */
    struct vmp_frame_stack *older, *newer; /* when they were last run on */
    uint64_t id;                           /* of the struct vmprof_stack */
    uint64_t below;                        /* id of what resumed it; 0: none */
    bool is_asleep;
    uint32_t count, capacity;
    uint64_t over; /* frames that found no room */
    struct vmp_frame *frames;
};

/* All zero is empty. */
struct vmp_frames {
    struct vmp_frame_stack *buckets[VMP_FRAME_BUCKETS];
    struct vmp_frame_stack *oldest, *newest;
    struct vmp_frame_stack *current; /* that was run on last */
    unsigned count;
};

/* The stack that the thread runs on, made if it is new; NULL: out of memory.
 * Others may be dropped for it. */
struct vmp_frame_stack *
vmp_frames_stack(struct vmp_frames *frames, const struct vmprof_thread *thread);

/* What resumed a stack; NULL: nothing, or it was dropped. */
struct vmp_frame_stack *
vmp_frames_below(const struct vmp_frames *frames,
                 const struct vmp_frame_stack *stack);

/* The thread runs on a stack: it and those beneath wake up, others go to sleep.
 * Each that does is told of, unless `change` is NULL. */
void
vmp_frames_run_on(struct vmp_frames *frames, struct vmp_frame_stack *to,
                  void (*change)(void *user, struct vmp_frame_stack *stack,
                                 bool is_asleep),
                  void *user);

/* One more frame, whose union is zeroed. NULL: there is no room, which the pops
 * take into account. */
struct vmp_frame *
vmp_frames_push(struct vmp_frame_stack *stack, uint64_t code,
                const void *frame);

/* The innermost frame of a code that is left, or VMP_NO_FRAME. One without room
 * is dropped, and is `is_over`. */
uint32_t
vmp_frames_leave(struct vmp_frame_stack *stack, uint64_t code,
                 const void *frame, bool *is_over);

void
vmp_frames_free(struct vmp_frames *frames);

#endif
