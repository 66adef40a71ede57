/* SPDX-License-Identifier: MIT */

/* Which stacks lie beneath which, as far as events have told. */

#include "suite.h"

#include <unistd.h>

#include "record/layers/frames.h"
#include "record/stack.h"

static struct vmp_frames frames;
static struct vmprof_thread thread;

static void
event_on(struct vmprof_stack *stack)
{
    struct vmp_frame_stack *known;

    thread.stack = stack;
    known = vmp_frames_stack(&frames, &thread);
    assert_non_null(known);
    if (known != frames.current)
        vmp_frames_run_on(&frames, known, NULL, NULL);
    assert_ptr_equal(frames.current, known);
}

static void
resume(struct vmprof_stack *stack, struct vmprof_stack *by)
{
    stack->caller = by;
    stack->caller_id = by ? by->id : 0;
}

static void
two_may_resume_each_other_in_turn_unseen(void **state)
{
    (void)state;
    struct vmprof_stack main = { .id = 1 }, a = { .id = 2 }, b = { .id = 3 };

    alarm(30);
    event_on(&main);
    resume(&a, &main);
    event_on(&a);
    resume(&b, &a);
    event_on(&b);
    resume(&b, NULL);
    resume(&a, NULL);
    event_on(&main);
    /* No event tells that b goes on. */
    resume(&b, &main);
    resume(&a, &b);
    event_on(&a);
    assert_int_equal(vmp_frames_below(&frames, frames.current)->id, b.id);
    resume(&a, NULL);
    event_on(&b);
    assert_int_equal(vmp_frames_below(&frames, frames.current)->id, main.id);
    event_on(&main);
    assert_null(vmp_frames_below(&frames, frames.current));
    vmp_frames_free(&frames);
    alarm(0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_may_resume_each_other_in_turn_unseen),
    };

    return cmocka_run_group_tests_name("frames", tests, NULL, NULL);
}
