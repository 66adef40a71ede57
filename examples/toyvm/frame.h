/* SPDX-License-Identifier: MIT */

/*
 * Frames: one for each call, outside the C stack, so that recursion is as deep
 * as memory allows. They lie in segments that never move: a profiler reads the
 * pc of a frame through a pointer that it was given when the call began.
 */
#ifndef TOY_FRAME_H
#define TOY_FRAME_H

#include "program.h"

#include <vmprof/stack.h>

struct interp;
struct coroutine;

struct frame {
    uintptr_t pc; /* the position cell: the instruction that runs; while a
                     call goes on, the call */
    struct frame *caller;
    const struct function *function;
    struct value *sp;   /* up to date while another frame runs */
    vmprof_token token; /* what the profiler gave when the call began */
    uint64_t mark;      /* the same, if all bytecodes of it are profiled */
    struct value slots[];
};

#define SEGMENT_SIZE (16 * 1024) /* holds the largest frame */

/* NULL, and an exception, if there are too many. */
struct frame *
push_frame(struct interp *interp, struct coroutine *coroutine,
           const struct function *function, const struct value *arguments,
           size_t count);

void
pop_frame(struct coroutine *coroutine);

/* Keep the segments of a coroutine for other ones. They are not given back to
 * the system before the thread ends: an observer may still be reading. */
void
recycle_frames(struct interp *interp, struct coroutine *coroutine);

/* When nobody can read them any more. */
void
free_frames(struct interp *interp);

#endif
