/* SPDX-License-Identifier: MIT */

/* Threads and their stacks. */

#include "operations.h"

#include "profiled.h"

VMPROF_API int
exported_attach(const struct vmprof_thread_options *options,
                struct vmprof_thread **out) IN_LIBRARY(vmprof_attach_thread);

static intptr_t
attach(struct world *w)
{
    return vmprof_attach_thread(NULL, &w->thread);
}

static intptr_t
attach_in_library(struct world *w)
{
    return exported_attach(NULL, &w->thread);
}

static void
attach_and_detach(struct world *w)
{
    require(vmprof_attach_thread(NULL, &w->thread) == 0);
    require(vmprof_detach_thread(w->thread) == 0);
}

static intptr_t
detach(struct world *w)
{
    return vmprof_detach_thread(w->thread);
}

static void
new_stacks(struct world *w)
{
    for (int i = 0; i < 2; i++)
        require(vmprof_new_stack(16, &w->stacks[i]) == 0);
}

/* C is on the first stack, D on the second, B runs. */
static void
stacks_with_frames(struct world *w)
{
    new_stacks(w);
    require(vmprof_switch_stack(w->thread, w->stacks[0]) == 0);
    enter_letter(w, 'C');
    require(vmprof_switch_stack(w->thread, w->stacks[1]) == 0);
    enter_letter(w, 'D');
    require(vmprof_switch_stack(w->thread, NULL) == 0);
}

static void
switch_away(struct world *w)
{
    stacks_with_frames(w);
    require(vmprof_switch_stack(w->thread, w->stacks[0]) == 0);
}

static void
resume_twice(struct world *w)
{
    stacks_with_frames(w);
    require(vmprof_resume_stack(w->thread, w->stacks[0]) == 0);
    require(vmprof_resume_stack(w->thread, w->stacks[1]) == 0);
}

/* C waits on A and B, though D runs. */
static void
switch_from_resumed(struct world *w)
{
    stacks_with_frames(w);
    require(vmprof_resume_stack(w->thread, w->stacks[0]) == 0);
    require(vmprof_switch_stack(w->thread, w->stacks[1]) == 0);
}

static intptr_t
new_stack(struct world *w)
{
    return vmprof_new_stack(16, &w->stacks[0]);
}

static intptr_t
switch_to_first(struct world *w)
{
    return vmprof_switch_stack(w->thread, w->stacks[0]);
}

static intptr_t
switch_to_second(struct world *w)
{
    return vmprof_switch_stack(w->thread, w->stacks[1]);
}

static intptr_t
switch_back(struct world *w)
{
    return vmprof_switch_stack(w->thread, NULL);
}

static intptr_t
resume_first(struct world *w)
{
    return vmprof_resume_stack(w->thread, w->stacks[0]);
}

static intptr_t
yield(struct world *w)
{
    return vmprof_yield_stack(w->thread);
}

static intptr_t
free_first(struct world *w)
{
    return vmprof_free_stack(w->stacks[0]);
}

static const struct operation list[] = {
    { "attach", "vmprof_attach_thread_1", attach, PATH(""),
      UNATTACHED | NOT_ALWAYS, NULL },
    { "attach again, by a call", "vmprof_attach_thread", attach_in_library,
      PATH(""), UNATTACHED | NOT_ALWAYS, attach_and_detach },
    { "attach, not enabled", "vmprof_attach_thread_1", attach, PATH(""),
      UNATTACHED | NOT_ENABLED | NOT_ALWAYS | HAS_HANDLER, NULL },
    { "detach", "vmprof_detach_thread", detach, PATH("AB"), NOT_ALWAYS, NULL },
    { "detach on a coroutine", "vmprof_detach_thread", detach, PATH("ABCD"),
      NOT_ALWAYS, resume_twice },
    { "attach on a timer", "vmprof_attach_thread_1", attach, PATH(""),
      UNATTACHED | NOT_ALWAYS | IS_LONG | ON_TIMER, NULL },
    { "detach on a timer", "vmprof_detach_thread", detach, PATH("AB"),
      NOT_ALWAYS | IS_LONG | ON_TIMER, NULL },
    { "detach on perf", "vmprof_detach_thread", detach, PATH("AB"),
      NOT_ALWAYS | IS_LONG | ON_PERF, NULL },
    { "new stack", "vmprof_new_stack", new_stack, PATH("AB"), 0, NULL },
    { "switch stacks", "vmprof_switch_stack", switch_to_first, PATH("AB", "C"),
      0, stacks_with_frames },
    { "switch between stacks", "vmprof_switch_stack", switch_to_second,
      PATH("C", "D"), 0, switch_away },
    { "switch to a resumed stack", "vmprof_switch_stack", switch_to_first,
      PATH("D", "ABC"), 0, switch_from_resumed },
    { "switch back", "vmprof_switch_stack", switch_back, PATH("C", "AB"), 0,
      switch_away },
    { "resume a stack", "vmprof_resume_stack", resume_first, PATH("AB", "ABC"),
      0, stacks_with_frames },
    { "yield a stack", "vmprof_yield_stack", yield, PATH("ABCD", "ABC"), 0,
      resume_twice },
    { "free a stack", "vmprof_free_stack", free_first, PATH("AB"), 0,
      new_stacks },
};

const struct operations stack_operations = { list,
                                             sizeof(list) / sizeof(*list) };
