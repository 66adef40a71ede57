/* SPDX-License-Identifier: MIT */

/*
 * Everything that the toy VM has to do to be profiled by libvmprof. What is
 * done once is in profile.c; what runs with the program is inline here, and
 * the interpreter calls it where a call begins, ends, or is skipped.
 */
#ifndef TOY_PROFILE_H
#define TOY_PROFILE_H

#include "frame.h"
#include "native.h"
#include "program.h"

#include <stdio.h>
#include <vmprof/vmprof.h>

/* Once, before anything else. All int results are 0 or a negative errno. */
int
profile_init(void);

/* Functions get ids when they have been compiled, and lose them before they
 * are freed. */
int
profile_add_program(struct program *program);
void
profile_remove_program(const struct program *program);

/* Each thread that runs bytecode does so between these two. */
int
profile_attach(const char *name, struct vmprof_thread **out);
void
profile_detach(struct vmprof_thread *thread);

/* Profile into a file, which stays the caller's; stop, however it was started,
 * and write a summary unless it is NULL. */
int
profile_start(int fd, double interval, enum vmprof_mode mode);
int
profile_stop(FILE *summary);

/* What programs can do about it. Results as of vmprof_pause(). */
int
profile_pause(void);
int
profile_resume(void);

/* A call begins. The frame's pc is the position cell: it is always up to date,
 * and never moves while the frame lives. */
static inline void
profile_enter(struct vmprof_thread *thread, struct frame *frame)
{
    frame->token =
        vmprof_execute_code_enter(thread, frame->function->id, &frame->pc);
}

/* A call returns. */
static inline void
profile_leave(struct vmprof_thread *thread, const struct frame *frame)
{
    vmprof_execute_code_leave(thread, frame->token);
}

/* Before the running function changes, and in loops: a sample that is due is
 * taken here. */
static inline void
profile_poll(struct vmprof_thread *thread)
{
    vmprof_poll(thread);
}

/* An exception has skipped all calls above this one, which goes on. */
static inline void
profile_catch(struct vmprof_thread *thread, const struct frame *frame)
{
    vmprof_execute_code_repair(thread, frame->token);
}

/* Builtins are frames too, of another kind and without a position. */
static inline bool
profile_call_native(struct vmprof_thread *thread, const struct native *native,
                    struct interp *interp, const struct value *arguments,
                    size_t count, struct value *result)
{
    enum vmprof_phase phase = vmprof_set_phase(thread, VMPROF_PHASE_NATIVE);
    vmprof_token token =
        vmprof_enter_kind(thread, native->id, VMPROF_KIND_NATIVE, NULL);
    bool returned = native->function(interp, arguments, count, result);

    profile_poll(thread);
    vmprof_execute_code_leave(thread, token);
    vmprof_set_phase(thread, phase);
    return returned;
}

/* And so is the collector. Inline, so that the function that collects is the one
 * whose stack pointer the frame keeps: native frames are merged by it. */
struct profile_gc {
    vmprof_token token;
    enum vmprof_phase phase;
};

extern vmprof_code_id profile_collector;

static inline struct profile_gc
profile_begin_gc(struct vmprof_thread *thread)
{
    return (struct profile_gc){
        .phase = vmprof_set_phase(thread, VMPROF_PHASE_GC),
        .token =
            vmprof_enter_kind(thread, profile_collector, VMPROF_KIND_GC, NULL),
    };
}

static inline void
profile_end_gc(struct vmprof_thread *thread, struct profile_gc gc)
{
    /* A collection is long enough for a look at the time. */
    thread->poll_countdown =
        vmprof_poll_expired(thread, thread->poll_countdown);
    vmprof_execute_code_leave(thread, gc.token);
    vmprof_set_phase(thread, gc.phase);
}

/* A coroutine has a stack of its own, which lies on top of its resumer's as
 * long as it runs. */
static inline int
profile_new_stack(struct vmprof_stack **out)
{
    return vmprof_new_stack(0, out);
}

static inline int
profile_resume_stack(struct vmprof_thread *thread, struct vmprof_stack *stack)
{
    return vmprof_resume_stack(thread, stack);
}

static inline void
profile_yield_stack(struct vmprof_thread *thread)
{
    (void)vmprof_yield_stack(thread);
}

static inline void
profile_free_stack(struct vmprof_stack *stack)
{
    (void)vmprof_free_stack(stack);
}

#endif
